// The node without any library: calls made by curl, and the transfer script of the README.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { hangs } from './chain.mjs';
import { collect, startNode } from './node.mjs';

const run = promisify(execFile);

describe('curl', hangs, () => {
  let node;
  before(async () => { node = await startNode(); });
  after(async () => assert.equal(await node.stop(), 0, node.log()));

  const curl = async (body) => {
    const { stdout } = await run('curl', ['-sS', '-H', 'Content-Type: application/json', '-d', body, node.http]);
    return JSON.parse(stdout);
  };

  test('asks for the chain and its methods', async () => {
    assert.deepEqual(await curl('{"jsonrpc":"2.0","id":1,"method":"system_chain","params":[]}'), { jsonrpc: '2.0', id: 1, result: 'Sepia Development' });
    const { result } = await curl('{"jsonrpc":"2.0","id":2,"method":"rpc_methods"}');
    assert.ok(result.methods.includes('author_submitExtrinsic'));
    const { error } = await curl('{"jsonrpc":"2.0","id":3,"method":"state_call","params":["No_such","0x"]}');
    assert.equal(error.code, 4003);
    assert.match(error.message, /No_such/);
  });

  test('submits a transfer that was signed elsewhere, and it lands', async () => {
    await cryptoWaitReady();
    const api = await ApiPromise.create({ provider: new WsProvider(node.url) });
    const keyring = new Keyring({ type: 'sr25519' });
    const [alice, fresh] = [keyring.addFromUri('//Alice'), keyring.addFromUri('//Alice//fresh')];
    const signed = await api.tx.balances.transferKeepAlive(fresh.address, 10n ** 12n).signAsync(alice);
    const arrived = collect((add) => api.query.system.account(fresh.address, add), (seen) => !seen.at(-1).data.free.isZero());
    const { result } = await curl(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'author_submitExtrinsic', params: [signed.toHex()] }));
    assert.equal(result, signed.hash.toHex());
    assert.equal((await arrived).at(-1).data.free.toBigInt(), 10n ** 12n);
    await api.disconnect();
  });

  test('transfer.mjs says when the tokens have arrived', async () => {
    const script = fileURLToPath(new URL('transfer.mjs', import.meta.url));
    const { stdout } = await run(process.execPath, [script, node.url, '//Alice', '//Bob', '5']);
    assert.match(stdout, /^5 UNIT arrived in block [0-9,]+, fee /);
  });
});
