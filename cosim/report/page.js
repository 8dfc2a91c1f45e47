"use strict";
// Everything here is a comfort: without it the page shows the same content, charts and numbers.

const tip = document.getElementById("tip");

function showTip(text, event) {
  tip.textContent = text;
  tip.hidden = false;
  const room = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, window.innerWidth - room.width - 8);
  const below = event.clientY + 16;
  const y = below + room.height > window.innerHeight ? event.clientY - room.height - 10 : below;
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${Math.max(8, y)}px`;
}

// A shape's own <title> would open a second, slow tip beside ours.
function tipOf(shape) {
  const title = shape.querySelector(":scope > title");
  if (title) {
    shape.dataset.tip = title.textContent;
    title.remove();
  }
  return shape.dataset.tip;
}

function cellTip(cover, event) {
  cover.cells ??= JSON.parse(cover.dataset.cells);
  const box = cover.getBoundingClientRect();
  const rows = cover.cells.length;
  const cols = cover.cells[0].length;
  const inside = (value, count) => Math.min(Math.max(Math.floor(value * count), 0), count - 1);
  const row = inside((event.clientY - box.top) / box.height, rows);
  const col = inside((event.clientX - box.left) / box.width, cols);
  return `row ${row}, column ${col}: ${cover.cells[row][col]}`;
}

function onPointer(event) {
  const shape = event.target instanceof SVGElement ? event.target : null;
  const text = shape && (shape.dataset.cells ? cellTip(shape, event) : tipOf(shape));
  if (text) showTip(text, event);
  else tip.hidden = true;
}

document.addEventListener("pointermove", onPointer);
document.addEventListener("pointerdown", onPointer);
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

function sortRows(table, column, heading) {
  const falling = heading.getAttribute("aria-sort") === "ascending";
  const key = (row) => row.cells[column].dataset.key;
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    const [p, q] = [Number(x), Number(y)];
    const numeric = x !== "" && y !== "" && !Number.isNaN(p) && !Number.isNaN(q);
    return numeric ? p - q : x.localeCompare(y);
  };
  const rows = [...table.tBodies[0].rows].sort(compare);
  if (falling) rows.reverse();
  table.tBodies[0].append(...rows);
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (table.tBodies[0].rows.length < 3) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortRows(table, column, heading));
    heading.replaceChildren(button);
  });
}

// The section in view is marked in the list of sections.
const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) links.get(entry.target.id)?.classList.toggle("here", entry.isIntersecting);
}, { rootMargin: "-20% 0px -60% 0px" });
document.querySelectorAll("main section").forEach((section) => seen.observe(section));
