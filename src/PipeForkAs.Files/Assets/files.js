'use strict';
// Uploads, the keys of the table, and "select all". Everything else of the page works without this script.
(() => {
  const chosen = document.getElementById('files');
  if (chosen) uploads(chosen);
  const list = document.getElementById('list');
  if (list) table(list);

  function uploads(chosen) {
    const chooseButton = document.getElementById('choose');
    const section = document.getElementById('uploads');
    const queue = [];
    let current = null, done = 0, failed = 0;

    chooseButton.hidden = false;
    chooseButton.addEventListener('click', () => chosen.click());
    chosen.addEventListener('change', () => { add(chosen.files); chosen.value = ''; });

    const hasFiles = event => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
    const mark = on => document.body.classList.toggle('drop', on);
    addEventListener('dragover', event => { if (hasFiles(event)) { event.preventDefault(); mark(true); } });
    addEventListener('dragleave', event => { if (!event.relatedTarget) mark(false); });
    addEventListener('drop', event => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(false);
      const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry && item.webkitGetAsEntry());
      add([...event.dataTransfer.files], entries.map(entry => entry && entry.isDirectory));
    });
    addEventListener('beforeunload', event => { if (current) event.preventDefault(); });

    function add(files, areFolders = []) {
      section.hidden = false;
      [...files].forEach((file, index) => {
        const item = show(file.name);
        if (areFolders[index]) finish(item, 'A folder cannot be uploaded', true);
        else queue.push({ file, item, replace: false });
      });
      next();
    }

    function show(name) {
      const item = document.createElement('li');
      const title = document.createElement('bdi');
      title.textContent = name;
      const cancel = document.createElement('button');
      cancel.type = 'button';
      cancel.textContent = 'Cancel';
      cancel.setAttribute('aria-label', 'Cancel ' + name);
      const progress = document.createElement('progress');
      progress.max = 100;
      progress.value = 0;
      progress.setAttribute('aria-label', name);
      // A screen reader says the end, not each percent: it reads those of the progress element when its user asks.
      const words = document.createElement('span');
      words.setAttribute('role', 'status');
      const percent = document.createElement('span');
      percent.setAttribute('aria-hidden', 'true');
      percent.textContent = 'waiting';
      item.append(title, cancel, progress, percent, words);
      section.firstElementChild.append(item);
      cancel.addEventListener('click', () => stop(item));
      return item;
    }

    function stop(item) {
      if (current && current.item === item) { current.request.abort(); return; }
      const index = queue.findIndex(upload => upload.item === item);
      if (index >= 0) { queue.splice(index, 1); finish(item, 'cancelled', true); }
    }

    function next() {
      if (current) return;
      const upload = queue.shift();
      if (!upload) { atEnd(); return; }
      current = upload;
      const { file, item } = upload;
      const [, , progress, percent] = item.children;
      const request = upload.request = new XMLHttpRequest();
      const end = (text, isFailure) => { current = null; finish(item, text, isFailure); next(); };
      request.upload.addEventListener('progress', event => {
        progress.value = file.size ? 100 * event.loaded / file.size : 100;
        percent.textContent = Math.floor(progress.value) + ' %';
      });
      request.addEventListener('load', () => {
        if (request.status === 204) { done++; end('done', false); return; }
        if (request.getResponseHeader('X-Files-Problem') === 'exists') offerReplacement(upload);
        end(request.responseText || 'It failed (' + request.status + ')', true);
      });
      request.addEventListener('error', () => end('The connection was lost', true));
      request.addEventListener('abort', () => end('cancelled', true));
      request.open('POST', chosen.dataset.to + '?name=' + encode(file.name) + (upload.replace ? '&replace=1' : ''));
      request.setRequestHeader('X-Files-Token', chosen.dataset.token);
      request.setRequestHeader('Content-Type', 'application/octet-stream');
      request.send(file);
    }

    function finish(item, text, isFailure) {
      const [, cancel, progress, percent, words] = item.children;
      progress.hidden = isFailure;
      if (!isFailure) progress.value = 100;
      words.textContent = text;
      words.className = isFailure ? 'problem' : '';
      // The focus must not fall back to the start of the page.
      if (document.activeElement === cancel) chooseButton.focus();
      cancel.remove();
      percent.remove();
      if (isFailure) failed++;
    }

    // The page stays while it has something to say; the link then leads to the new files.
    function atEnd() {
      if (!done) return;
      const shown = '?done=uploaded&count=' + done;
      if (!failed) { location.assign(shown); return; }
      const link = section.querySelector(':scope > a') || section.appendChild(document.createElement('a'));
      link.href = shown;
      link.textContent = 'Show the uploaded files (' + done + ')';
    }

    function offerReplacement(upload) {
      const replace = document.createElement('button');
      replace.type = 'button';
      replace.textContent = 'Replace';
      replace.setAttribute('aria-label', 'Replace ' + upload.file.name);
      replace.addEventListener('click', () => {
        const item = show(upload.file.name);
        upload.item.replaceWith(item);
        failed--;
        queue.push({ file: upload.file, item, replace: true });
        next();
      });
      upload.item.append(replace);
    }

    function encode(name) {
      const bytes = String.fromCharCode(...new TextEncoder().encode(name));
      return btoa(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    }
  }

  function table(list) {
    const all = document.getElementById('all');
    const boxes = () => list.querySelectorAll('input');
    all.hidden = false;
    all.addEventListener('change', () => boxes().forEach(box => { box.checked = all.checked; }));

    // Keys work only while the focus is on a row: a key alone must not surprise users of speech input.
    list.addEventListener('keydown', event => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const row = event.target.closest('tr');
      const go = to => { if (to) { to.querySelector('a').focus(); event.preventDefault(); } };
      const act = (action, row) => {
        if (![...boxes()].some(box => box.checked)) row.querySelector('input').checked = true;
        list.closest('form').querySelector('[value=' + action + ']').click();
        event.preventDefault();
      };
      switch (event.key) {
        case 'ArrowDown': go(row.nextElementSibling); break;
        case 'ArrowUp': go(row.previousElementSibling); break;
        case 'Home': go(list.firstElementChild); break;
        case 'End': go(list.lastElementChild); break;
        case 'Delete': act('delete', row); break;
        case 'F2': act('rename', row); break;
        case 'x': { const box = row.querySelector('input'); box.checked = !box.checked; event.preventDefault(); break; }
      }
    });
  }
})();
