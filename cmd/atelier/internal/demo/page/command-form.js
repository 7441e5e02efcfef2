// A Discord command being filled in: one field per option, with choices and suggestions.
import { el, iconButton } from './dom.js';

// paths flattens the registered commands: {path, description, options}.
export function paths(commands) {
  const out = [];
  const walk = (prefix, c) => {
    const subs = (c.options ?? []).filter((o) => o.type <= 2);
    const path = prefix ? `${prefix} ${c.name}` : c.name;
    if (subs.length) subs.forEach((s) => walk(path, s));
    else out.push({ path, description: c.description ?? '', options: c.options ?? [] });
  };
  commands.filter((c) => (c.type ?? 1) === 1).forEach((c) => walk('', c));
  return out;
}

// matches finds commands for what was typed behind the slash; rest is what would fill their first field.
export function matches(all, typed) {
  const text = typed.trimStart();
  const low = text.toLowerCase();
  const begun = all.filter((c) => c.path.startsWith(low.trimEnd()) || c.path.split(' ').some((w) => w.startsWith(low.trimEnd())));
  if (begun.length) return begun.map((command) => ({ command, rest: '' }));
  for (const command of all) {
    for (const head of [command.path, command.path.split(' ').pop()]) {
      if (low.startsWith(`${head} `)) return [{ command, rest: text.slice(head.length + 1).trim() }];
    }
  }
  return [];
}

let serial = 0;

// CommandForm takes the composer's place until it is sent or left. ctx has people(), roles(), rooms(), complete(command, options, focused),
// send(command, options, files) and leave().
export class CommandForm {
  constructor(command, rest, ctx) {
    Object.assign(this, { command, ctx, fields: new Map() });
    this.note = el('div', { class: 'note', role: 'alert', hidden: true });
    this.list = el('div', { class: 'suggestions', role: 'listbox', id: `options-${++serial}`, 'aria-label': 'Suggestions', hidden: true });
    this.row = el('div', { class: 'options' });
    this.more = el('div', { class: 'moreoptions' });
    this.root = el('div', { class: 'composer commandform', role: 'group', 'aria-label': `Command /${command.path}`, onkeydown: (e) => this.key(e) }, this.list, this.note,
      el('div', { class: 'field' }, el('div', { class: 'options' }, el('span', { class: 'path' }, `/${command.path}`), el('span', { class: 'muted' }, command.description), iconButton('close', 'Leave the command', () => ctx.leave())),
        this.row, el('div', { class: 'bar' }, this.more, el('span', { class: 'grow' }), iconButton('send', 'Send the command', () => this.submit(), { class: 'tool send' }))));
    command.options.filter((o) => o.required).forEach((o) => this.show(o));
    if (rest && command.options.length) {
      const first = command.options.find((o) => o.required && o.type === 3) ?? command.options[0];
      if (!this.fields.has(first.name)) this.show(first);
      this.fields.get(first.name).input.value = rest;
    }
    this.drawMore();
  }

  focus() {
    const first = [...this.fields.values()][0]?.input ?? this.root.querySelector('.send');
    first.focus();
  }

  drawMore() {
    this.more.replaceChildren(...this.command.options.filter((o) => !this.fields.has(o.name)).map((o) => el('button', { type: 'button', class: 'plain', title: o.description, onclick: () => {
      this.show(o);
      this.drawMore();
      this.fields.get(o.name).input.focus();
    } }, `+ ${o.name}`)));
  }

  show(o) {
    const attrs = { 'aria-label': `${o.name}: ${o.description ?? ''}`, 'data-option': o.name };
    let input;
    if (o.type === 11) input = el('input', { type: 'file', ...attrs });
    else if (o.type === 5) input = choice(attrs, [['true', 'True'], ['false', 'False']]);
    else if (o.choices?.length) input = choice(attrs, o.choices.map((c) => [String(c.value), c.name]));
    else if (o.type >= 6 && o.type <= 9) input = choice(attrs, this.things(o.type));
    else {
      input = el('input', { type: 'text', autocomplete: 'off', placeholder: o.description, ...attrs, maxlength: o.max_length ?? 6000, size: o.type === 3 && !o.autocomplete ? 28 : 14 });
      if (o.type === 4 || o.type === 10) input.inputMode = 'decimal';
      if (o.autocomplete) {
        input.setAttribute('aria-autocomplete', 'list');
        input.addEventListener('input', () => this.suggest(o, input));
        input.addEventListener('focus', () => this.suggest(o, input));
        input.addEventListener('blur', () => this.closeList());
      }
    }
    this.fields.set(o.name, { option: o, input });
    this.row.append(el('label', { class: o.type === 3 && !o.autocomplete ? 'option wide' : 'option' }, el('span', {}, o.name), input));
  }

  things(type) {
    const people = this.ctx.people().map((u) => [u.id, `@${u.name}`]);
    const roles = this.ctx.roles().map((r) => [r.id, `@${r.name}`]);
    return { 6: people, 7: this.ctx.rooms().map((r) => [r.id, `#${r.name}`]), 8: roles, 9: [...people, ...roles] }[type];
  }

  options() {
    const out = {};
    const files = [];
    for (const [name, { option, input }] of this.fields) {
      if (option.type === 11) {
        if (input.files[0]) files.push({ file: input.files[0], field: name });
      } else if (input.value !== '') {
        const typed = input.value;
        out[name] = option.type === 5 ? typed === 'true' : option.type === 4 || option.type === 10 ? Number(typed) : input.dataset.label === typed ? input.dataset.value : typed;
      }
    }
    return { options: out, files };
  }

  async suggest(o, input) {
    const asked = (this.asked = {});
    const { options } = this.options();
    const found = await this.ctx.complete(this.command.path, { ...options, [o.name]: input.value }, o.name);
    if (asked !== this.asked || document.activeElement !== input) return;
    this.list.replaceChildren(...(found ?? []).slice(0, 25).map((c) => {
      const node = el('div', { role: 'option', 'aria-selected': 'false', onpointerdown: (e) => e.preventDefault(), onclick: () => this.take(input, c) }, el('b', {}, c.name));
      node.choice = c;
      return node;
    }));
    this.list.hidden = !this.list.children.length;
    this.target = input;
    this.mark(-1);
  }

  mark(i) {
    this.at = i;
    [...this.list.children].forEach((n, k) => n.setAttribute('aria-selected', String(k === i)));
    this.list.children[i]?.scrollIntoView({ block: 'nearest' });
  }

  take(input, c) {
    input.value = c.name;
    input.dataset.label = c.name;
    input.dataset.value = c.value;
    this.closeList();
  }

  closeList() {
    this.asked = null;
    this.list.hidden = true;
    this.list.replaceChildren();
  }

  key(e) {
    const n = this.list.children.length;
    const open = !this.list.hidden && n > 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (e.key === 'Escape') {
      e.stopPropagation();
      if (open) this.closeList();
      else this.ctx.leave();
    } else if (open && step) {
      e.preventDefault();
      this.mark((this.at + step + n) % n);
    } else if (e.key === 'Enter' && !e.isComposing && e.target.tagName !== 'BUTTON') {
      e.preventDefault();
      if (open && this.at >= 0) this.take(this.target, this.list.children[this.at].choice);
      else this.submit();
    } else if (e.key === 'Backspace' && e.target.matches('input[type=text]') && !e.target.value && [...this.fields.values()][0]?.input === e.target) {
      e.preventDefault();
      this.ctx.leave();
    }
  }

  async submit() {
    const missing = this.command.options.find((o) => o.required && !(this.fields.get(o.name)?.input.value));
    if (missing) {
      this.say(`Specify ${missing.name}: this option is required.`);
      this.fields.get(missing.name)?.input.focus();
      return;
    }
    const { options, files } = this.options();
    const wrong = await this.ctx.send(this.command.path, options, files);
    if (wrong) this.say(wrong);
    else this.ctx.leave();
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }
}

function choice(attrs, list) {
  return el('select', attrs, el('option', { value: '' }, '—'), list.map(([value, label]) => el('option', { value }, label)));
}
