// A thread beside the engine's, which watches whether it goes on. It names a program that does not
// return, ends a run that has been asked to end and does not, and has the last word then: the
// summary, which it lets the engine make where it stands.
//
// It looks into the engine's thread through Node's debugger, only once something is wrong. Where
// the debugger gets no answer, because the thread waits in a call of the host, it makes do with
// what it was told last.

import fs from 'node:fs';
import inspector from 'node:inspector';
import { SourceMap } from 'node:module';
import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { words, line: lineFd, hook } = workerData;
/** Words of the memory that both threads have: see watched.ts. */
const RUNNING = 0;
const BEAT = 2;
const ASKED = 3;
const LOOK_MS = 100;
/** A program that has not returned for so long is named. */
const SLOW_MS = 1000;
/** A run that is asked to end and stands still for so long is ended. */
const PATIENCE_MS = 400;
/** A program that makes system calls is cut off at the next one: so long it may take to come. */
const NEXT_CALL_MS = 300;
/**
 * So long it may take to stop the engine: to name a program that is in a call of the host as far as
 * is known, to name any other (which answers, however busy the machine is), and when the run is to
 * end.
 */
const CALL_NAME_MS = 2000;
const NAME_MS = 20_000;
const ANSWER_MS = 350;

let run = { names: {}, clock: 'virtual' };
let untilMs = Infinity;
let summary;
/** A call of the host that a program has not come back from: name, file and line. */
let hostCall;
let beat = -1;
let beatAt = Date.now();
let askedAt = Infinity;
/** When the engine was told that the run's time is over. */
let overAt = Infinity;
let named;
let isBusy = false;
let session;
/** Of whoever waits for the engine to stop. */
let onPaused;
/** By identifier, as the debugger tells of them. */
const scripts = new Map();

parentPort.on('message', (message) => {
  if (message.kind === 'run') run = message.run;
  else if (message.kind === 'end') untilMs = message.untilMs;
  else if (message.kind === 'summary') summary = message.summary;
  else if (message.kind === 'call') hostCall = message.call;
});

const line = new net.Socket({ fd: lineFd, readable: true, writable: true });
line.on('error', () => undefined);
line.on('close', ask); // the supervisor is gone
line.on('data', (text) => {
  if (String(text).includes('now')) end(130);
  else if (String(text).includes('end')) ask();
});
line.unref();

setInterval(look, LOOK_MS);

function ask() {
  if (askedAt !== Infinity) return;
  askedAt = Date.now();
  Atomics.store(words, ASKED, 1);
  parentPort.postMessage('end');
  line.write('heard\n');
}

async function look() {
  const now = Date.now();
  if (Atomics.load(words, BEAT) !== beat) {
    beat = Atomics.load(words, BEAT);
    beatAt = now;
    if (named?.isSaid) say(`${named.domain} has returned, after ${seconds(now - named.since)}`);
    forget();
  }
  const isSlow = now - beatAt >= SLOW_MS && run.names[words[RUNNING]] !== undefined;
  if (isSlow && Atomics.load(words, ASKED) === 0) {
    // The answer takes its time: meanwhile the run may be asked to end.
    named ??= { domain: run.names[words[RUNNING]], lookAt: now };
    if (!named.isSaid && now >= named.lookAt) {
      named.lookAt = Infinity;
      void name(beatAt);
    }
  }
  if (now - untilMs > PATIENCE_MS && overAt === Infinity) {
    overAt = now;
    Atomics.store(words, ASKED, 1);
  }
  const isOver = now - overAt > NEXT_CALL_MS;
  const isDue = isOver || now - askedAt > PATIENCE_MS;
  if (isDue && now - beatAt > PATIENCE_MS && !isBusy) {
    isBusy = true;
    await finish(isOver ? 'time' : 'interrupted');
  }
}

/** Names the program that does not return, and where it is. */
async function name(since) {
  const seen = await inside('where()', hostCall === undefined ? NAME_MS : CALL_NAME_MS);
  // It is asked what goes on now: meanwhile the turn may have come to its end.
  if (Atomics.load(words, BEAT) !== beat) return forget();
  const told = seen?.value === undefined ? undefined : JSON.parse(seen.value);
  // For the end, at which it may give no answer in time.
  summary = told?.summary ?? summary;
  // Under the virtual clock a turn may be long because there is much to do: it has to be the same
  // call as before.
  const isNew = told !== undefined && told.call !== named.call;
  if (run.clock === 'virtual' && (isNew || told?.domain === undefined)) {
    named = { ...named, call: told?.call, lookAt: Date.now() + SLOW_MS };
    return;
  }
  named = { domain: told?.domain ?? named.domain, since, isSaid: true };
  const where = seen === undefined ? `, in ${hostCall ?? 'a call of the host'}` : seen.place;
  const what = `${named.domain} has not returned from ${told?.from ?? 'its entry point'} for 1 s`;
  say(`${what}${where}; Ctrl-C ends the run`);
}

function forget() {
  named = undefined;
  session?.disconnect();
  session = undefined;
}

async function finish(ending) {
  const seen = await inside(`summary(${JSON.stringify(ending)})`, ANSWER_MS);
  const told = seen?.value === undefined ? undefined : JSON.parse(seen.value);
  const domain = told?.domain ?? named?.domain;
  const last = run.names[words[RUNNING]];
  if (domain !== undefined) say(`the run is ended, while ${domain} has not returned`);
  // Without an answer nobody is blamed: a promise of another one may be what goes on.
  else if (last !== undefined)
    say(`the run is ended, while a program has not returned; ${last} was the last to be let run`);
  const printed = told ?? summary;
  if (printed !== undefined) write(printed.stream, `${printed.text}\n`);
  end(1);
}

/**
 * Stops the engine's thread where it is, and has a function of the hook called there.
 * @returns undefined without an answer
 */
function inside(call, answerMs) {
  session ??= connect();
  return new Promise((resolve) => {
    const answer = (seen) => {
      clearTimeout(timer);
      if (onPaused === paused) onPaused = undefined;
      resolve(seen);
    };
    const paused = (callFrames) => evaluate(call, callFrames, answer);
    const timer = setTimeout(() => answer(undefined), answerMs);
    onPaused = paused;
    session.post('Debugger.pause');
  });
}

function evaluate(call, callFrames, answer) {
  const asked = session;
  // By a string: inside Node's own functions there is no `Symbol`.
  const expression = `globalThis[${JSON.stringify(hook)}]?.${call}`;
  const { callFrameId } = callFrames[0];
  asked.post('Debugger.evaluateOnCallFrame', { callFrameId, expression }, (_, told) => {
    asked.post('Debugger.resume', () => {
      answer({ value: told?.result?.value, place: placeOf(callFrames) });
    });
  });
}

/** It takes a while, and is kept until the program has returned. */
function connect() {
  const made = new inspector.Session();
  made.connectToMainThread();
  made.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params));
  made.on('Debugger.paused', ({ params: { callFrames } }) => {
    // On a busy machine the engine may stop when nobody waits for it any more. It would for ever.
    const waiting = onPaused;
    onPaused = undefined;
    if (waiting === undefined || callFrames.length === 0) made.post('Debugger.resume');
    else waiting(callFrames);
  });
  made.post('Debugger.enable');
  return made;
}

/**
 * The innermost frame that is a program's, as far as that can be said of a file: function, file and
 * line.
 */
function placeOf(frames) {
  const urlOf = ({ location }) => scripts.get(location.scriptId)?.url ?? '';
  const isOurs = (url) => !url.startsWith('file:') || url.startsWith(workerData.own);
  const frame = frames.find((each) => !isOurs(urlOf(each)));
  if (frame === undefined) return '';
  const file = urlOf(frame).replace('file://', '').replace(/\?.*$/, '');
  const name = frame.functionName === '' ? '' : `${frame.functionName}, `;
  return ` (${name}${file}:${lineOf(frame.location) + 1})`;
}

/** In the source that the program was written in, where its code carries a map. */
function lineOf({ scriptId, lineNumber, columnNumber }) {
  const [, map] =
    /^data:application\/json[^,]*;base64,(.*)$/.exec(scripts.get(scriptId)?.sourceMapURL) ?? [];
  if (map === undefined) return lineNumber;
  try {
    const payload = JSON.parse(Buffer.from(map, 'base64').toString());
    return new SourceMap(payload).findEntry(lineNumber, columnNumber).originalLine ?? lineNumber;
  } catch {
    return lineNumber;
  }
}

function end(status) {
  // It is written at once: this thread ends with the process.
  write(lineFd, `status ${status}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Names of domains and files are shown, and not obeyed by the terminal. */
function say(text) {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (each) => {
    return `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  write(2, `sddf: ${shown}\n`);
}

/** To a pipe whose reader is behind, too, for a while. */
function write(fd, text) {
  let rest = Buffer.from(text);
  for (let tries = 0; rest.length > 0 && tries < 1000; tries += 1) {
    try {
      rest = rest.subarray(fs.writeSync(fd, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
