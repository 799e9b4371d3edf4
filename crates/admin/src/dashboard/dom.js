// Elements. Every text goes in as text: nothing here, and nothing elsewhere on this page, takes HTML.

export const at = (id) => document.getElementById(id);

/** An element with properties and children. `data`, `aria` and `class` are attributes. */
export const make = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

/** Sets a text, if it is another one: what stays the same is not laid out, and not read out, again. */
export const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

export const setAttribute = (element, name, value) => {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
};

/** The address of a view of this page: `address("channel", "news")`, `address("tail", null, {channel: "news"})`. */
export const address = (view, name = null, query = {}) => {
  const path = name === null ? view : `${view}/${encodeURIComponent(name)}`;
  const asked = new URLSearchParams(query).toString();
  return `#${path}${asked && `?${asked}`}`;
};

export const link = (text, href) => make("a", { href, textContent: text });

/** Terms and what they are, as the children of a `dl`, whose elements are used again. */
export const describe = (list, pairs) => {
  pairs.forEach(([term, text], index) => {
    const box = list.children[index] ?? list.appendChild(make("div", {}, make("dt"), make("dd")));
    put(box.firstElementChild, term);
    const value = box.lastElementChild;
    if (text instanceof Node) value.replaceChildren(text);
    else put(value, text);
  });
  while (list.children.length > pairs.length) list.lastElementChild.remove();
};
