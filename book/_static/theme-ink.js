// Plotly draws its text in a fixed colour: give it the page's own, again whenever the theme changes.
(function () {
  function ink() {
    var colour = getComputedStyle(document.body).color;
    document.querySelectorAll(".js-plotly-plot").forEach(function (plot) {
      window.Plotly.relayout(plot, { "font.color": colour });
    });
  }
  window.addEventListener("load", function () {
    if (!window.Plotly) return;
    ink();
    new MutationObserver(ink).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  });
})();
