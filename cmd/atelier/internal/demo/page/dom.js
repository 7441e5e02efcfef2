// Small helpers around the DOM. Text only ever enters the page as text nodes.

// el makes an element: "on…" attributes are listeners, true is an empty attribute, false and null are left out.
export function el(tag, attrs, ...kids) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  append(node, kids);
  return node;
}

// append adds nodes and texts, however nested, and skips what is absent.
export function append(node, kids) {
  for (const kid of kids.flat(Infinity)) {
    if (kid === false || kid === null || kid === undefined || kid === '') continue;
    node.append(kid);
  }
}

const shapes = {
  hash: 'M9 4 7 20M17 4l-2 16M4 9h16M3 15h16',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  smile: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 14.5c1.8 2.2 5.2 2.2 7 0M9 9.6v.2M15 9.6v.2',
  thread: 'M4 5h16v11H11l-4 4v-4H4zM8 9h8M8 12h5',
  pencil: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  close: 'M6 6l12 12M18 6L6 18',
  clip: 'M19 11l-7.5 7.5a4 4 0 0 1-6-6L13 5a2.8 2.8 0 0 1 4 4l-7.5 7.5a1.4 1.4 0 0 1-2-2L14 8',
  plus: 'M12 5v14M5 12h14',
  send: 'M4 12l16-8-6 16-3-7z',
  back: 'M14 5l-7 7 7 7',
  reply: 'M9 6L4 11l5 5M4 11h9a6 6 0 0 1 6 6v1',
  down: 'M6 9l6 6 6-6',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  bolt: 'M13 3L5 14h6l-1 7 8-11h-6z',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6',
};

// icon draws one of our line icons; it says nothing to screen readers, the control around it does.
export function icon(name, size = 18) {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  for (const [k, v] of Object.entries({ viewBox: '0 0 24 24', width: size, height: size, class: 'icon', 'aria-hidden': 'true' })) svg.setAttribute(k, v);
  const path = document.createElementNS(ns, 'path');
  path.setAttribute('d', shapes[name] ?? shapes.more);
  if (name === 'more') path.setAttribute('stroke-width', '2.8');
  svg.append(path);
  return svg;
}

// iconButton is a button that is only an icon.
export function iconButton(name, label, onclick, attrs = {}) {
  return el('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick, ...attrs }, icon(name));
}

// local turns an address of our own server into a path: the page may be open under another of its names.
export function local(url) {
  if (!url) return '';
  try {
    const u = new URL(url, location.href);
    return u.pathname.startsWith('/sim/') ? u.pathname + u.search : u.href;
  } catch {
    return '';
  }
}

// ours reports whether the page's policy lets an image of that address load.
export const ours = (url) => local(url).startsWith('/');

// safeHref gives an address that may stand in a link, or "".
export function safeHref(url) {
  try {
    const u = new URL(url, location.href);
    return ['http:', 'https:', 'mailto:'].includes(u.protocol) ? u.href : '';
  } catch {
    return '';
  }
}

// anchor is a link to elsewhere, or plain text when the address is none.
export function anchor(url, ...kids) {
  const href = safeHref(url);
  return href ? el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, ...kids) : el('span', {}, ...kids);
}

// reconcile makes the children of a list match the items. A child whose signature is unchanged stays as it is, so that
// focus, half-typed text and open spoilers survive what happens elsewhere.
export function reconcile(list, items) {
  const old = new Map();
  for (const child of list.children) old.set(child.dataset.id, child);
  let at = list.firstElementChild;
  for (const item of items) {
    let node = old.get(item.id);
    old.delete(item.id);
    if (!node || node.itemSig !== item.sig) {
      const fresh = item.draw();
      fresh.dataset.id = item.id;
      fresh.itemSig = item.sig;
      if (node) {
        const focus = focusWithin(node);
        if (at === node) at = fresh;
        node.replaceWith(fresh);
        if (focus) refocus(fresh, focus);
      }
      node = fresh;
    }
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
  for (const gone of old.values()) gone.remove();
}

function focusWithin(node) {
  const a = document.activeElement;
  return a && node.contains(a) ? { key: a.dataset.focus } : null;
}

function refocus(node, focus) {
  const twin = focus.key && [...node.querySelectorAll('[data-focus]')].find((n) => n.dataset.focus === focus.key);
  const target = twin || node.querySelector('.more');
  target?.focus({ preventScroll: true });
}

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', month: 'long', day: 'numeric' });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });

// clock, dayName and fullTime print a moment given in milliseconds.
export const clock = (ms) => timeFormat.format(ms);
export function dayName(ms) {
  const today = new Date().toDateString();
  const that = new Date(ms).toDateString();
  return that === today ? 'Today' : dayFormat.format(ms);
}
export const fullTime = (ms) => fullFormat.format(ms);

// announce tells people who listen instead of look.
export function announce(text) {
  const region = document.getElementById('live');
  const line = el('p', {}, text.slice(0, 300));
  region.append(line);
  while (region.children.length > 5) region.firstElementChild.remove();
}

// plural is "1 reply", "2 replies".
export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

// sizeName prints a number of bytes.
export function sizeName(n) {
  return n < 1024 ? `${n} B` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} kB` : `${(n / (1 << 20)).toFixed(1)} MB`;
}

// popover shows something beside its anchor, inside the pane, until it is left. It returns a function that closes it.
export function popover(anchorNode, content, label) {
  const pane = anchorNode.closest('.pane');
  pane.querySelector(':scope > .popover')?.close?.();
  const box = el('div', { class: 'popover', role: 'dialog', 'aria-label': label }, content);
  pane.append(box);
  const p = pane.getBoundingClientRect();
  const a = anchorNode.getBoundingClientRect();
  const w = box.offsetWidth;
  const h = box.offsetHeight;
  const left = Math.max(8, Math.min(a.right - p.left - w, p.width - w - 8));
  const below = a.bottom - p.top + 4;
  const top = below + h < p.height - 8 ? below : Math.max(8, a.top - p.top - h - 4);
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
  const shut = new AbortController();
  const close = (refocusAnchor) => {
    if (shut.signal.aborted) return;
    shut.abort();
    box.remove();
    if (refocusAnchor && anchorNode.isConnected) anchorNode.focus({ preventScroll: true });
  };
  box.close = close;
  const { signal } = shut;
  document.addEventListener('pointerdown', (e) => !box.contains(e.target) && close(false), { signal, capture: true });
  box.addEventListener('keydown', (e) => {
    const stops = [...box.querySelectorAll('button:not([disabled])')];
    const i = stops.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
    if (e.key === 'Escape') {
      e.stopPropagation();
      close(true);
    } else if (step && i >= 0) {
      e.preventDefault();
      stops[(i + step + stops.length) % stops.length].focus();
    }
  }, { signal });
  box.addEventListener('focusout', (e) => e.relatedTarget && !box.contains(e.relatedTarget) && close(false), { signal });
  box.querySelector('button')?.focus({ preventScroll: true });
  return close;
}

// enlarge opens a picture in the page's large dialog.
export function enlarge(src, alt) {
  const dialog = document.getElementById('large');
  const img = dialog.querySelector('img');
  img.src = src;
  img.alt = alt || 'Picture';
  dialog.querySelector('figcaption').textContent = alt || '';
  dialog.querySelector('a').href = src;
  dialog.showModal();
}

// picture is an image that opens large. Its place is kept while it loads.
export function picture(src, alt, width, height, key) {
  const img = el('img', { src: local(src), alt: alt || 'Picture', loading: 'lazy', width: width || null, height: height || null, draggable: 'false' });
  return el('button', { type: 'button', class: 'picture', 'aria-label': `Open large: ${alt || 'picture'}`, 'data-focus': `img:${key ?? src}`,
    onclick: () => enlarge(local(src), alt) }, img);
}
