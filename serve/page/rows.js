/** Lists whose rows stay where they are unless their place is another, and are written to only where they changed. */

/**
 * An empty row.
 * @param {string} template id of a `<template>` with one element
 * @returns {Element}
 */
export function blank(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

/**
 * Write a text, if it is another.
 * @param {Element} node what holds it
 * @param {string} text never markup
 */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Write a text and show its element, or hide it where there is none.
 * @param {Element} holder shown or hidden
 * @param {Element} node within it, or itself
 * @param {string} text may be empty
 */
export function sayOrHide(holder, node, text) {
  say(node, text);
  holder.hidden = text === "";
}

/**
 * An element with a text.
 * @param {string} tag its name
 * @param {string} text never markup
 * @param {string} [kind] its class
 * @returns {Element}
 */
export function element(tag, text, kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/**
 * Bring a list's rows into an order. What is not wanted goes; a row that keeps its place is not touched, and one that
 * moves keeps the focus where the browser can do that.
 * @param {Element} list their parent
 * @param {Element[]} rows in the order wanted
 */
export function arrange(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  let cursor = list.firstElementChild;
  for (const row of rows) {
    if (row === cursor) cursor = cursor.nextElementSibling;
    else if (cursor !== null && cursor.nextElementSibling === row) cursor = row.nextElementSibling;
    else put(list, row, cursor);
    // the second case leaves a row that has gone down where it is until its turn comes
  }
}

function put(list, row, before) {
  if (row.isConnected && list.moveBefore) list.moveBefore(row, before);
  else list.insertBefore(row, before);
}

/** Knows which rows are on the screen, or nearly. */
export class Seen {
  #seen = new Set();
  #observer;

  /** @param {(row: Element) => void} [shown] told of each row that comes into sight */
  constructor(shown = () => {}) {
    this.#observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          if (!isIntersecting) this.#seen.delete(target);
          else {
            this.#seen.add(target);
            shown(target);
          }
        }
      },
      { rootMargin: "200px" },
    );
  }

  /** @param {Element} row to watch */
  watch(row) {
    this.#observer.observe(row);
  }

  /** @param {Element} row that is gone */
  drop(row) {
    this.#observer.unobserve(row);
    this.#seen.delete(row);
  }

  /** @returns {Iterable<Element>} */
  [Symbol.iterator]() {
    return this.#seen.values();
  }
}
