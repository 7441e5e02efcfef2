// Embeds, components and attachments as Discord shows them.
import { el, anchor, icon, local, ours, picture, safeHref, sizeName } from './dom.js';
import { markdown, mediaURL } from './markdown.js';

// A ctx beside what markdown wants has press(component, node) and choose(component, values, node), people(), roles() and rooms().

// embeds draws a message's embeds.
export function embeds(list, ctx) {
  return (list ?? []).map((e) => {
    const src = mediaURL(e.image);
    const thumb = mediaURL(e.thumbnail);
    const box = el('div', { class: 'embed' },
      thumb && ours(thumb) && el('div', { class: 'e-thumb' }, picture(thumb, e.title || 'Thumbnail', e.thumbnail.width, e.thumbnail.height)),
      e.provider?.name && el('div', { class: 'e-provider' }, e.provider.name),
      e.author?.name && el('div', { class: 'e-author' }, e.author.icon_url && ours(e.author.icon_url) && el('img', { src: local(e.author.icon_url), alt: '' }), e.author.url ? anchor(e.author.url, e.author.name) : e.author.name),
      e.title && el('div', { class: 'e-title' }, e.url ? anchor(e.url, markdown(e.title, { ...ctx, linked: true })) : markdown(e.title, ctx)),
      e.description && el('div', { class: 'e-text' }, markdown(e.description, ctx)),
      e.fields?.length && el('div', { class: 'e-fields' }, e.fields.map((f) => el('div', { class: f.inline ? 'e-field inline' : 'e-field' }, el('div', { class: 'e-name' }, markdown(f.name, ctx)), el('div', {}, markdown(f.value, ctx))))),
      src && (ours(src) ? picture(src, e.image.description || e.title, e.image.width, e.image.height, `${e.title}/image`) : anchor(src, src)),
      (e.footer?.text || e.timestamp) && el('div', { class: 'e-footer' }, [e.footer?.text, e.timestamp && new Date(e.timestamp).toLocaleString()].filter(Boolean).join(' • ')));
    if (Number.isInteger(e.color)) box.style.borderInlineStartColor = `#${e.color.toString(16).padStart(6, '0')}`;
    return box;
  });
}

const buttonStyles = { 1: 'primary', 2: 'secondary', 3: 'success', 4: 'danger', 5: 'link' };

function emojiNode(e, ctx) {
  if (!e) return null;
  return e.id ? el('img', { class: 'emoji', src: ctx.emojiURL(e.id), alt: e.name ?? '' }) : el('span', { class: 'emoji' }, e.name);
}

const drawers = {
  1: (c, ctx) => el('div', { class: 'c-row' }, components(c.components, ctx)),
  2: button,
  9: (c, ctx) => el('div', { class: 'c-section' }, el('div', {}, components(c.components, ctx)), c.accessory && components([c.accessory], ctx)),
  10: (c, ctx) => el('div', { class: 'c-text' }, markdown(c.content, ctx)),
  11: (c) => media(c.media, c.description, 'c-thumb'),
  12: (c) => el('div', { class: `c-gallery n${Math.min(c.items?.length ?? 0, 4)}` }, (c.items ?? []).map((i) => media(i.media, i.description))),
  13: (c) => el('div', { class: 'filechip' }, icon('file', 22), el('span', {}, c.name || c.file?.url || 'File')),
  14: (c) => (c.divider === false ? el('div', { class: 'c-gap' }) : el('hr')),
  17: (c, ctx) => {
    const box = el('div', { class: 'embed c-container' }, components(c.components, ctx));
    if (Number.isInteger(c.accent_color)) box.style.borderInlineStartColor = `#${c.accent_color.toString(16).padStart(6, '0')}`;
    return box;
  },
};

function media(m, description, cls) {
  const url = mediaURL(m);
  if (!url || !ours(url)) return url ? anchor(url, description || url) : null;
  return el('div', { class: cls }, picture(url, description, m.width, m.height));
}

function button(c, ctx) {
  const attrs = { class: `c-button ${buttonStyles[c.style] ?? 'secondary'}`, 'data-focus': c.custom_id ?? c.url };
  const inner = [emojiNode(c.emoji, ctx), c.label];
  if (c.style === 5) return el('a', { ...attrs, href: safeHref(c.url), target: '_blank', rel: 'noopener noreferrer' }, inner, icon('link', 14));
  return el('button', { ...attrs, type: 'button', disabled: c.disabled, 'aria-label': c.label ? null : c.emoji?.name || 'Button', onclick: (e) => ctx.press(c, e.currentTarget) }, inner);
}

// components draws a list of them; what this page does not know stays visible as a note.
export function components(list, ctx) {
  return (list ?? []).map((c) => {
    if (drawers[c.type]) return drawers[c.type](c, ctx);
    if (c.type === 3 || c.type >= 5 && c.type <= 8) {
      const box = menu(c, ctx, { class: 'c-select', 'data-focus': c.custom_id, 'aria-label': c.placeholder || 'Choose', disabled: c.disabled });
      box.addEventListener('change', () => {
        const values = [...box.selectedOptions].map((o) => o.value).filter(Boolean);
        if (values.length) ctx.choose(c, values, box);
      });
      return box;
    }
    return el('div', { class: 'unknown' }, `This component (type ${c.type}) cannot be shown here.`);
  });
}

// menu is a select alone, of options, people, roles or channels.
export function menu(c, ctx, attrs) {
  const multi = (c.max_values ?? 1) > 1;
  const box = el('select', { ...attrs, multiple: multi });
  if (!multi) box.append(el('option', { value: '' }, c.placeholder || 'Make a selection'));
  const people = () => ctx.people().map((u) => ({ value: u.id, label: u.name }));
  const roles = () => ctx.roles().map((r) => ({ value: r.id, label: `@${r.name}` }));
  const lists = { 5: people, 6: roles, 7: () => [...people(), ...roles()], 8: () => ctx.rooms().map((r) => ({ value: r.id, label: `#${r.name}` })) };
  const on = (c.default_values ?? []).map((v) => v.id);
  for (const o of lists[c.type]?.() ?? c.options ?? []) {
    box.append(el('option', { value: o.value, selected: o.default || on.includes(o.value) }, o.description ? `${o.label} — ${o.description}` : o.label));
  }
  return box;
}

// attachments draws uploads: pictures as pictures, the rest as chips; spoilers hide until they are pressed.
export function attachments(list) {
  if (!list?.length) return null;
  return el('div', { class: 'files' }, list.map((a) => {
    const url = local(a.url);
    if (a.content_type?.startsWith('image/')) {
      const pic = picture(url, a.description || a.filename, a.width, a.height, a.id);
      if (!a.spoiler) return pic;
      const cover = el('div', { class: 'cover' }, pic, el('button', { type: 'button', onclick: () => cover.replaceWith(pic) }, 'Spoiler'));
      return cover;
    }
    return el('a', { class: 'filechip', href: url, download: a.filename }, icon('file', 22), el('span', {}, el('b', {}, a.filename), el('small', {}, sizeName(a.size ?? 0))));
  }));
}
