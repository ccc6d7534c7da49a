"""Style and script of a report: draws its figures in the colors of the page, and shows thumbnails at points."""

STYLE = """
.figure { width: 100%; min-width: 0; }
.sheets { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 1.5rem; }
.sheets > div, .curves > div { min-width: 0; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.5rem 1rem; }
.scroll img.sheet-of { display: block; max-width: max(100%, 34rem); border-radius: 4px; background: white; }
.chip { display: inline-block; width: 0.8rem; height: 0.8rem; border-radius: 2px; margin: 0 0.35rem 0 0; }
.chip:not(:first-child) { margin-left: 1.2rem; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(64px, 1fr)); gap: 0.4rem; max-width: 40rem; }
.maps figure img { width: 100%; height: auto; aspect-ratio: 1; image-rendering: pixelated; }
details > summary { cursor: pointer; margin: 0.5rem 0; color: var(--bar); }
#tip { position: fixed; z-index: 9; pointer-events: none; background: var(--card); color: var(--ink); font-size: 0.8rem;
  border: 1px solid var(--line); border-radius: 6px; padding: 0.4rem; max-width: 12rem; }
#tip img { width: 96px; height: 96px; object-fit: contain; display: block; image-rendering: pixelated; }
"""
SCRIPT = """
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const figures = [...document.querySelectorAll(".figure")];
const tip = Object.assign(document.createElement("div"), {id: "tip", hidden: true});
document.body.append(tip);

function colors(layout) {
  const made = {"font.color": css("--ink"), "hoverlabel.bgcolor": css("--card"), "hoverlabel.font.color": css("--ink")};
  for (const axis of Object.keys(layout).filter(key => /^[xy]axis/.test(key))) {
    made[axis + ".gridcolor"] = made[axis + ".zerolinecolor"] = css("--line");
    made[axis + ".linecolor"] = css("--line");
  }
  return made;
}

function hovered(held, event) {
  const row = event.points[0].customdata;
  if (row === undefined) return;
  tip.replaceChildren();
  if (held.urls[row]) tip.append(Object.assign(document.createElement("img"), {src: held.urls[row], alt: ""}));
  tip.append(held.texts[row]);
  tip.hidden = false;
  const at = event.event;
  tip.style.left = Math.max(4, Math.min(at.clientX + 14, innerWidth - tip.offsetWidth - 4)) + "px";
  tip.style.top = Math.max(4, Math.min(at.clientY + 14, innerHeight - tip.offsetHeight - 4)) + "px";
}

for (const box of figures) {
  const {data, layout} = JSON.parse(box.querySelector("script").textContent);
  layout.xaxis = layout.xaxis || {};
  layout.yaxis = layout.yaxis || {};
  Plotly.newPlot(box, data, layout, {responsive: true, displaylogo: false}).then(() => {
    Plotly.relayout(box, colors(layout));
    box.dataset.drawn = "1";
  });
  if (box.dataset.shelf) {
    const held = JSON.parse(document.getElementById(box.dataset.shelf).textContent);
    box.on("plotly_hover", event => hovered(held, event));
    box.on("plotly_unhover", () => { tip.hidden = true; });
  }
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const box of figures) Plotly.relayout(box, colors(box.layout));
});
"""
