// Builds the page's elements. Data reaches the page through here only, and
// only as text or as an attribute's value: never as markup.

/** Makes an element; children are elements, text, numbers or nothing. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  return add(node, children);
}

/** Appends children to node and returns it. */
export function add(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** Replaces what node holds. */
export function fill(node, ...children) {
  const fresh = document.createDocumentFragment();
  add(fresh, children);
  node.replaceChildren(fresh);
}

/** Isolates an identifier, a code or a measurement: always left to right. */
export function ltr(text, attributes = {}) {
  return el("bdi", { dir: "ltr", ...attributes }, text);
}

/** Isolates a name or free text, whose direction is its own. */
export function own(text, attributes = {}) {
  return el("bdi", { dir: "auto", ...attributes }, text);
}

/** Finds the element with this id. */
export const byId = (id) => document.getElementById(id);

/** Shows or hides an element. */
export function show(node, yes) {
  node.hidden = !yes;
}
