/** Building and updating nodes. Names and texts from outside only ever become text nodes. */

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "use", "circle", "rect", "path"]);

/** A node: `h("p", {class: "why"}, "text", node)`. Keys starting with `on` are listeners; false and null are left out. */
export function h(tag, props = {}, ...children) {
  const node = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else attr(node, key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets or removes an attribute, touching the document only when it differs. */
export function attr(node, key, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(key)) node.removeAttribute(key);
    return;
  }
  const text = value === true ? "" : String(value);
  if (node.getAttribute(key) !== text) node.setAttribute(key, text);
}

/** Sets a node's text, touching the document only when it differs. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/** Shows or hides a node; by the attribute, for SVG has no `hidden` property. */
export function show(node, on) {
  attr(node, "hidden", !on);
}

/** An icon of the page's sprite; decoration, so hidden from screen readers. */
export function icon(name, size = "") {
  return h("svg", {class: `i ${size}`.trim(), "aria-hidden": "true"}, h("use", {href: `#i-${name}`}));
}

/** Points an icon made by `icon` at another symbol. */
export function setIcon(node, name) {
  attr(node.firstChild, "href", `#i-${name}`);
}
