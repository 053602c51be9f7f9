// Elements by function calls. Texts are only ever set as text: nothing that a document or a request
// says can become markup.

/** An element; attributes that are null or false are left out, `on…` are listeners. */
export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined));
  return element;
}

/** A small label with a look of its own. */
export function badge(look, text, title) {
  return h("span", { class: `badge ${look}`, title }, text);
}

/** A table; `columns` are titles, or `{title, class}`. */
export function table(caption, columns, rows, whenEmpty) {
  if (rows.length === 0) return h("p", { class: "empty" }, whenEmpty);
  const heads = columns.map((column) =>
    h("th", { scope: "col", class: column.class }, column.title ?? column));
  return h("div", { class: "scroll" },
    h("table", null,
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, heads)),
      h("tbody", null, rows.map((row) => labelled(row, columns)))));
}

/** A row whose cells know the titles of their columns, which narrow screens show beside them. */
export function labelled(row, columns) {
  for (const [index, cell] of [...row.cells].entries()) {
    const title = columns[index].title ?? columns[index];
    if (title) cell.dataset.label = title;
    // One box, whatever is in it.
    const content = h("div", { class: "cell" });
    content.append(...cell.childNodes);
    cell.append(content);
  }
  return row;
}

/** A titled part of a page. */
export function section(title, ...content) {
  const id = `part-${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), content);
}

/** Names and values. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: "facts" },
    known.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

/** What came in place of an answer. */
export function failure(error) {
  return h("p", { class: "failure", role: "alert" }, error.message);
}

/** Calls `then` once nobody has called for so many milliseconds. */
export function settled(milliseconds, then) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => then(...values), milliseconds);
  };
}
