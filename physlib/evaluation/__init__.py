"""What came out of runs: shifts, forecasts beside them, effects of remedies; the names below are public."""

from physlib.core.imports import public

__getattr__, __dir__, __all__ = public(
    __name__,
    {
        "comparisons": (
            *(
                "DENOISERS",
                "advantages",
                "by_training",
                "contests",
                "forecasts",
                "interval_worth",
                "kind",
                "medians",
                "peaks_and_troughs",
            ),
            *("shift_by_bin", "sizes", "tally"),
        ),
        "decision": ("decision_curves", "decision_frame"),
        "mechanism": ("estimator_table", "mean_shift", "open_shares", "open_shift"),
        "ideal_denoising": ("parting",),
        "coordinates": ("chart_properties",),
        "sealed_scores": ("scores", "sealed_forecasts", "verdicts"),
        "speech": ("speech",),
        "video": ("video",),
        "video_rows": ("pulled",),
        "remedy_tables": ("agreement", "outcomes", "ratios"),
        "shift": (
            *("clean_shift", "copied", "counts", "filter_shift", "local_shift", "locality", "observed", "over_seeds"),
            *("resampled_mass", "shares", "shift_distances", "training_set_shift"),
        ),
    },
)
