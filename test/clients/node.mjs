// Starts a Sepia node for a test, and watches the console of the client library.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const binary = process.env.SEPIA_BIN ?? `${root}bin/sepia`;

// startNode runs `sepia dev` on free ports and resolves when the node prints its address.
export async function startNode(...flags) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run make build first`);
  const child = spawn(binary, ['dev', '--rpc-port', '0', '--port', '0', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let log = '';
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  child.stderr.on('data', (chunk) => { log += chunk; });
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /ws:\/\/[0-9.]+:[0-9]+/.exec(output);
      if (found) resolve(found[0]);
    });
    exited.then((code) => reject(new Error(`the node ended with ${code} before it was ready\n${output}\n${log}`)));
  });
  return {
    url,
    http: url.replace('ws:', 'http:'),
    log: () => log,
    // stop asks the node to end and resolves with how it ended: 0 if cleanly.
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

// watchConsole collects what anybody writes to console.warn and console.error until stop is called. polkadot.js tells its
// troubles there only.
export function watchConsole() {
  const complaints = [];
  const own = { warn: console.warn, error: console.error };
  for (const kind of Object.keys(own)) {
    console[kind] = (...words) => complaints.push(`${kind}: ${words.join(' ')}`);
  }
  return {
    complaints,
    stop() {
      Object.assign(console, own);
      return complaints;
    },
  };
}

// rpc makes one call over HTTP, as curl would.
export async function rpc(http, method, ...params) {
  const response = await fetch(http, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result, error } = await response.json();
  if (error) throw Object.assign(new Error(`${error.code}: ${error.message}`), error);
  return result;
}

// collect subscribes, gathers values until there are enough, and unsubscribes.
export function collect(subscribe, enough) {
  return new Promise((resolve, reject) => {
    const seen = [];
    let stop;
    const add = (value) => {
      seen.push(value);
      if (enough(seen)) Promise.resolve(stop).then((f) => { f(); resolve(seen); }, reject);
    };
    stop = subscribe(add);
    stop.catch(reject);
  });
}
