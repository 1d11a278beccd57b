// A development chain with a connected client, for the tests of one describe block.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { startNode, watchConsole } from './node.mjs';
import { send } from './send.mjs';

// hangs ends a test that waits for something that never comes. No test is expected to take nearly as long.
export const hangs = { timeout: 600_000 };

// chain starts a node and connects to it, for the tests of one describe block.
export function chain({ ApiPromise, WsProvider, Keyring, cryptoWaitReady }, ...flags) {
  const c = {};
  before(async () => {
    await cryptoWaitReady();
    c.node = await startNode(...flags);
    c.console = watchConsole();
    c.api = await ApiPromise.create({ provider: new WsProvider(c.node.url) });
    const keyring = new Keyring({ type: 'sr25519' });
    c.alice = keyring.addFromUri('//Alice');
    c.bob = keyring.addFromUri('//Bob');
    c.keyring = keyring;
  });
  after(async () => {
    await c.api?.disconnect();
    const complaints = c.console?.stop();
    const ended = await c.node?.stop();
    assert.deepEqual(complaints, [], 'polkadot.js complained');
    assert.equal(ended, 0, `the node did not stop cleanly:\n${c.node?.log()}`);
  });
  return c;
}

// tick makes a block, where the chain seals on demand.
export const tick = (c) => send(c.api.tx.system.remark('0x'), c.alice);
