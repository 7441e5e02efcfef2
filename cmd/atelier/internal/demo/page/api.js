// The control ports of the two simulators: what a person sees, and what a person does.

// Platform talks to one simulator below its base path.
export class Platform {
  constructor(base) {
    this.base = `${base}/control`;
  }

  // state gives what a person sees, or null when the simulator does not answer; fresh says that the page was loaded anew.
  async state(as, fresh) {
    const query = new URLSearchParams({ as });
    if (fresh) query.set('reload', '1');
    try {
      const res = await fetch(`${this.base}/state?${query}`);
      return res.ok ? await res.json() : null;
    } catch {
      return null; // the event stream tells when it is back
    }
  }

  // act makes a person do something. What the platform refuses comes back as {error}, never as an exception.
  async act(action, files = []) {
    const body = { ...action };
    if (files.length) body.files = await Promise.all(files.map(packed));
    try {
      const res = await fetch(`${this.base}/act`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
      const out = await res.json().catch(() => ({}));
      if (!res.ok) return { ...out, error: out.error || out.message || `The simulator answered ${res.status}.` };
      if (out.ok === false && !out.error) out.error = 'It did not work.';
      if (out.failed) out.error = out.failed;
      return out;
    } catch {
      return { error: 'The demo does not answer. Is it still running?' };
    }
  }

  // watch calls back after every change, and tells whether the line stands.
  watch(changed, standing) {
    const events = new EventSource(`${this.base}/events`);
    events.addEventListener('change', () => {
      standing(true);
      changed();
    });
    events.addEventListener('open', () => standing(true));
    events.addEventListener('error', () => standing(false));
  }
}

// packed carries a chosen file inside JSON. entry is a File, or {file, field}.
function packed(entry) {
  const file = entry.file ?? entry;
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('error', () => reject(reader.error));
    reader.addEventListener('load', () => {
      const data = String(reader.result);
      const out = { name: file.name || 'picture.png', data: data.slice(data.indexOf(',') + 1) };
      if (file.type) out.mime = file.type;
      if (entry.field) out.field = entry.field;
      resolve(out);
    });
    reader.readAsDataURL(file);
  });
}

// info tells who can be played and where.
export async function info() {
  const res = await fetch('/demo/info');
  if (!res.ok) throw new Error(`The demo answered ${res.status}.`);
  return res.json();
}
