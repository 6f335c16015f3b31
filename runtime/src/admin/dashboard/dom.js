// What the page needs to write to the DOM. All text goes in as text: a name is never read as HTML.

export const $ = (id) => document.getElementById(id);

/** Writes a text, if it is another one. */
export function put(node, text) {
  if (node.firstChild === null || node.firstChild.data !== text) node.textContent = text;
}

/** Sets an attribute, if it is another one. */
export function attr(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function show(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/** What `act` gives, or undefined if it fails for reasons that are none of ours. */
export function attempt(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** A copy of a template: its element, and its parts by name. */
export function copy(id) {
  const root = $(id).content.firstElementChild.cloneNode(true);
  return { root, ...Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node])) };
}

/** Makes `nodes` the children, in this order, with few moves and the focus where it was. */
export function arrange(parent, nodes) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const node of nodes) {
    if (next !== null && next !== node && next.nextElementSibling === node) {
      // One that goes further down: it is put back at its turn.
      next.remove();
      next = node;
    }
    if (next === node) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/** Brings a list of terms and values up to date. */
export function facts(list, pairs) {
  while (list.children.length > pairs.length) list.lastElementChild.remove();
  for (const [i, [term, value]] of pairs.entries()) {
    if (!list.children[i]) list.append(copy("fact").root);
    put(list.children[i].querySelector("dt"), term);
    put(list.children[i].querySelector("dd"), value);
  }
}
