// Heap of the armed box on the 32-bit WebAssembly port: `node heap_wasm.mjs package-folder settings.json` prints the
// box's log, then JSON. Each reading is a call of its own: this port collects garbage only between calls from outside.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const HEAP_BYTES = 4 * 1024 * 1024;

function copy(FS, from, to) {
  FS.mkdir(to);
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), `${to}/${name}`];
    if (statSync(source).isDirectory()) {
      copy(FS, source, target);
    } else {
      FS.writeFile(target, readFileSync(source));
    }
  }
}

async function main(packageFolder, settingsFile) {
  const { loadMicroPython } = await import(join(packageFolder, "micropython.mjs"));
  const settings = JSON.parse(readFileSync(settingsFile, "utf-8"));
  const mp = await loadMicroPython({ heapsize: HEAP_BYTES, linebuffer: true, stdout: (line) => console.log(line) });

  function used() {
    mp.runPython("gc.collect()");
    mp.runPython("_used = gc.mem_alloc()");
    return mp.globals.get("_used");
  }

  const path = settings.path.map((folder, i) => {
    copy(mp.FS, folder, `/path${i}`);
    return `/path${i}`;
  });
  mp.runPython(`import gc, json, sys; sys.path[:] = ${JSON.stringify(path)} + [".frozen"]; import probe`);
  mp.runPython(`probe.put(json.loads('${JSON.stringify(settings.files)}'))`);
  mp.runPython(`probe.chip(json.loads('${JSON.stringify(settings.rows)}'), ${settings.cells})`);
  const answer = { before: used() };
  mp.runPython(`probe.load(${JSON.stringify(settings.names)})`);
  answer.loaded = used();
  mp.runPython("task = probe.arm()");
  await new Promise((resolve) => setTimeout(resolve, settings.settle_ms));
  answer.armed = used();
  mp.runPython(`sources = json.loads(${JSON.stringify(JSON.stringify(settings.sources))})`);
  mp.runPython("codes = probe.compile_all(sources)");
  const compiled = used();
  mp.runPython("made = probe.run_all(codes)");
  answer.frozen = used() - compiled;
  console.log(JSON.stringify(answer));
  process.exit(0); // the box's tasks would run for ever
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message); // not the whole of it: its source is one line of 100 KB
  process.exit(1);
});
