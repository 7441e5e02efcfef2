// Forms that an app opens in front of a person, inside that person's pane.
import { el, iconButton } from './dom.js';
import { blocks, choices, entered, selectBox, textObject } from './slack-blocks.js';
import { markdown } from './markdown.js';
import { menu } from './discord-message.js';

let serial = 0;

// Sheet is the empty form: it keeps the focus of its pane and gives it back.
export class Sheet {
  constructor(pane, { title, submit, cancel, onsubmit, oncancel }) {
    this.pane = pane;
    this.before = pane.contains(document.activeElement) ? document.activeElement : null;
    const id = `sheet-${++serial}`;
    this.problem = el('p', { class: 'problem', role: 'alert', hidden: true });
    this.body = el('div', { class: 'sheet-body' });
    this.go = submit ? el('button', { type: 'submit', class: 'go' }, submit) : null;
    const form = el('form', { novalidate: true, onsubmit: async (e) => {
      e.preventDefault();
      if (!this.go || this.go.disabled) return;
      this.go.disabled = true;
      await onsubmit();
      this.go.disabled = false;
    } }, el('div', { class: 'sheet-head' }, el('h2', { id }, title), iconButton('close', 'Close', oncancel)), this.body, this.problem,
    el('div', { class: 'sheet-foot' }, el('button', { type: 'button', class: 'plain', onclick: oncancel }, cancel || 'Cancel'), this.go));
    this.root = el('div', { class: 'veil', onkeydown: (e) => {
      if (e.key !== 'Escape') return;
      e.stopPropagation();
      oncancel();
    } }, el('div', { class: 'sheet', role: 'dialog', 'aria-labelledby': id }, form));
    for (const other of pane.children) other.inert = true;
    pane.append(this.root);
  }

  // start puts the focus where one begins.
  start() {
    (this.body.querySelector('input, textarea, select, button') ?? this.go ?? this.root.querySelector('button')).focus();
  }

  // complain shows what is wrong with the whole form.
  complain(text) {
    this.problem.textContent = text ?? '';
    this.problem.hidden = !text;
  }

  // close takes the form away.
  close() {
    const within = this.root.contains(document.activeElement);
    this.root.remove();
    if (!this.pane.querySelector(':scope > .veil')) for (const other of this.pane.children) other.inert = false;
    if (within || document.activeElement === document.body) this.before?.isConnected && this.before.focus({ preventScroll: true });
  }
}

// ask opens a small question and calls yes when it is agreed to.
export function ask(pane, { title, text, confirm, deny, yes }) {
  const sheet = new Sheet(pane, { title, submit: confirm || 'OK', cancel: deny, oncancel: () => sheet.close(), onsubmit: async () => {
    sheet.close();
    await yes();
  } });
  sheet.body.append(el('p', {}, text));
  sheet.go.focus();
}

// SlackModal shows a view; ctx is that of its blocks, with act(action, files).
export class SlackModal {
  constructor(pane, view, ctx) {
    const def = view.view;
    Object.assign(this, { id: view.id, hash: view.hash, ctx, inputs: [] });
    this.sheet = new Sheet(pane, { title: textObject(def.title, ctx), submit: def.submit && textObject(def.submit, ctx), cancel: def.close && textObject(def.close, ctx),
      onsubmit: () => this.submit(), oncancel: () => ctx.act({ do: 'close', view_id: view.id }) });
    const state = view.state ?? {};
    const blockCtx = { ...ctx, act: (block, e, value) => ctx.act({ do: e.type === 'button' ? 'press' : 'select', view_id: view.id, block_id: block.block_id, action_id: e.action_id, value, values: this.values() }) };
    for (const b of def.blocks ?? []) {
      this.sheet.body.append(...(b.type === 'input' ? [this.input(b, state[b.block_id]?.[b.element.action_id], blockCtx)] : blocks([b], blockCtx)));
    }
    this.errors(view.errors);
    this.sheet.start();
  }

  input(b, was, ctx) {
    const e = b.element;
    const id = `field-${++serial}`;
    const attrs = { id, 'aria-describedby': `${id}-error${b.hint ? ` ${id}-hint` : ''}`, 'aria-required': b.optional ? null : 'true', 'data-action': e.action_id };
    let node;
    let read;
    const group = e.type === 'checkboxes' || e.type === 'radio_buttons';
    const chosen = was?.selected_options?.map((o) => o.value) ?? (was?.selected_option ? [was.selected_option.value] : was?.selected_user ? [was.selected_user] : was?.selected_users ?? undefined);
    if (group) {
      node = choices(e, id, ctx, chosen);
      read = () => (e.type === 'checkboxes' ? entered(node).split(',').filter(Boolean) : entered(node));
    } else if (e.type === 'file_input') {
      node = el('input', { type: 'file', multiple: (e.max_files ?? 10) > 1, accept: e.filetypes?.map((t) => `.${t}`).join(',') || null, ...attrs });
    } else if (e.type.endsWith('_select')) {
      node = selectBox(e, ctx, attrs, chosen);
      read = () => (node.multiple ? [...node.selectedOptions].map((o) => o.value) : node.value);
    } else {
      const types = { number_input: 'number', email_text_input: 'email', url_text_input: 'url', datepicker: 'date', timepicker: 'time' };
      node = e.multiline ? el('textarea', { rows: '4', ...attrs }) : el('input', { type: types[e.type] ?? 'text', ...attrs });
      node.value = was?.value ?? was?.selected_date ?? was?.selected_time ?? e.initial_value ?? e.initial_date ?? e.initial_time ?? '';
      if (e.placeholder) node.placeholder = e.placeholder.text;
      if (e.max_length) node.maxLength = e.max_length;
      read = () => node.value;
    }
    const label = [textObject(b.label, ctx), b.optional && el('span', { class: 'muted' }, ' (optional)')];
    const error = el('p', { class: 'error', id: `${id}-error`, hidden: true });
    this.inputs.push({ block: b.block_id, action: e.action_id, node, read, error });
    if (group) node.setAttribute('aria-labelledby', `${id}-label`);
    return el('div', { class: 'input' }, group ? el('div', { class: 'label', id: `${id}-label` }, label) : el('label', { class: 'label', for: id }, label), node, error, b.hint && el('p', { class: 'hint', id: `${id}-hint` }, textObject(b.hint, ctx)));
  }

  values() {
    const out = {};
    for (const i of this.inputs) if (i.read) (out[i.block] ??= {})[i.action] = i.read();
    return out;
  }

  errors(map) {
    let first = null;
    for (const i of this.inputs) {
      const text = map?.[i.block];
      i.error.textContent = text ?? '';
      i.error.hidden = !text;
      i.node.setAttribute(i.node.matches('div') ? 'data-invalid' : 'aria-invalid', String(Boolean(text)));
      if (text && !first) first = i.node;
    }
    first?.focus();
    this.sheet.complain(map?.['']);
  }

  async submit() {
    const files = this.inputs.flatMap((i) => [...(i.node.files ?? [])]);
    const res = await this.ctx.act({ do: 'submit', view_id: this.id, values: this.values() }, files);
    if (res.view_errors) this.errors(res.view_errors);
    else if (res.error) this.sheet.complain('We had some trouble connecting. Try again?');
  }

  close() {
    this.sheet.close();
  }
}

// DiscordModal shows a form; ctx is that of markdown and menus, with act(action, files).
export class DiscordModal {
  constructor(pane, modal, ctx) {
    Object.assign(this, { id: modal.interaction_id, ctx, inputs: [] });
    this.sheet = new Sheet(pane, { title: modal.title, submit: 'Submit', onsubmit: () => this.submit(), oncancel: () => ctx.act({ do: 'close' }) });
    for (const c of modal.components ?? []) this.sheet.body.append(...this.draw(c));
    this.sheet.start();
  }

  draw(c, label, hint) {
    if (c.type === 1) return (c.components ?? []).flatMap((k) => this.draw(k));
    if (c.type === 10) return [el('div', {}, markdown(c.content, this.ctx))];
    if (c.type === 18) return this.draw(c.component, c.label, c.description);
    const id = `field-${++serial}`;
    const attrs = { id, 'aria-required': c.required === false ? null : 'true', 'aria-describedby': hint ? `${id}-hint` : null, 'data-field': c.custom_id };
    let node;
    if (c.type === 4) {
      node = c.style === 2 ? el('textarea', { rows: '4', ...attrs }) : el('input', { type: 'text', ...attrs });
      node.value = c.value ?? '';
      node.placeholder = c.placeholder ?? '';
      node.maxLength = c.max_length ?? 4000;
    } else if (c.type === 19) node = el('input', { type: 'file', multiple: (c.max_values ?? 1) > 1, ...attrs });
    else if (c.type === 21 || c.type === 22) {
      node = el('div', { class: 'b-choices', role: c.type === 21 ? 'radiogroup' : 'group', 'aria-labelledby': `${id}-label` }, (c.options ?? []).map((o) => el('label', {},
        el('input', { type: c.type === 21 ? 'radio' : 'checkbox', name: id, value: o.value, checked: o.default }), el('span', {}, o.label, o.description && el('small', {}, o.description)))));
    } else if (c.type === 23) node = el('input', { type: 'checkbox', checked: c.default, ...attrs });
    else node = menu(c, this.ctx, attrs);
    this.inputs.push({ c, node });
    const text = [label ?? c.label ?? '', c.required !== false && el('span', { class: 'star', 'aria-hidden': 'true' }, ' *')];
    return [el('div', { class: 'input' }, node.matches('div') ? el('div', { class: 'label', id: `${id}-label` }, text) : el('label', { class: 'label', for: id }, text), hint && el('p', { class: 'hint', id: `${id}-hint` }, hint), node)];
  }

  async submit() {
    const fields = {};
    const lists = {};
    const files = [];
    for (const { c, node } of this.inputs) {
      if (c.type === 4) fields[c.custom_id] = node.value;
      else if (c.type === 19) files.push(...[...node.files].map((file) => ({ file, field: c.custom_id })));
      else if (c.type === 23) fields[c.custom_id] = String(node.checked);
      else if (c.type === 21 || c.type === 22) lists[c.custom_id] = entered(node).split(',').filter(Boolean);
      else lists[c.custom_id] = [...node.selectedOptions].map((o) => o.value).filter(Boolean);
      if (c.type === 4 && c.required !== false && !node.value) {
        node.focus();
        this.sheet.complain('Please fill in the required field.');
        return;
      }
    }
    const res = await this.ctx.act({ do: 'submit', fields, field_values: lists }, files);
    if (res.error) this.sheet.complain(res.failed ?? res.error);
  }

  close() {
    this.sheet.close();
  }
}
