// What the npm package `button-events` makes of edges: a task in JSON on stdin, [[microseconds, event], ...] on stdout.
// Its timers are ours, so that hours of pressing pass at once.

const task = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const timers = new Map();
let now = 0;
let lastTimer = 0;

global.setTimeout = (call, ms) => {
  timers.set(++lastTimer, { at: now + ms * 1000, call });
  return lastTimer;
};
global.clearTimeout = (timer) => timers.delete(timer);

function passUntil(at) {
  for (;;) {
    let next = null;
    for (const [timer, { at: due }] of timers) {
      if (due <= at && (next === null || due < timers.get(next).at)) next = timer;
    }
    if (next === null) break;
    const { at: due, call } = timers.get(next);
    timers.delete(next);
    now = due;
    call();
  }
  now = at;
}

const ButtonEvents = require(task.package);
const button = new ButtonEvents({ usePullUp: false, timing: { pressed: task.hold_ms, clicked: task.window_ms } });
const reports = [];
button.on('button_event', (name) => reports.push([now, name]));
for (const [at, closed] of task.edges) {
  passUntil(at);
  button.gpioChange(closed ? 1 : 0);
}
passUntil(now + 5000000);
process.stdout.write(JSON.stringify(reports));
