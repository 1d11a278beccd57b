// The acceptance list for polkadot.js: fifteen things that an application does. It runs with any version of the library,
// which the caller hands in.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { chain, hangs, tick } from './chain.mjs';
import { collect, rpc } from './node.mjs';
import { moduleError, named, send } from './send.mjs';

const unit = 10n ** 12n;
const secondRuntime = new URL('../../runtime/blob/released/sepia-runtime-v2.wasm', import.meta.url);

export function polkadotJsList(library) {
  const { version } = library;

  describe(`polkadot.js ${version}`, hangs, () => {
    const c = chain(library);

    test('1. connects without a warning and agrees on the genesis hash', async () => {
      assert.equal(c.api.genesisHash.toHex(), await rpc(c.node.http, 'chain_getBlockHash', 0));
      assert.deepEqual(c.console.complaints, []);
    });

    test('2. takes metadata 16 and has the runtime calls', () => {
      assert.equal(c.api.runtimeMetadata.version, 16);
      for (const name of ['accountNonceApi', 'transactionPaymentApi', 'contractsApi']) assert.ok(c.api.call[name], name);
    });

    for (const [number, name] of [[3, 'subscribeNewHeads'], [4, 'subscribeFinalizedHeads']]) {
      test(`${number}. ${name}: consecutive numbers, hashes as the node says`, async () => {
        const heads = collect((add) => c.api.rpc.chain[name](add), (seen) => seen.length >= 5);
        for (let i = 0; i < 5; i++) await tick(c);
        const seen = await heads;
        for (const [i, header] of seen.entries()) {
          if (i > 0) assert.equal(header.number.toNumber(), seen[i - 1].number.toNumber() + 1);
          const hash = await c.api.rpc.chain.getBlockHash(header.number.toNumber());
          assert.equal(header.hash.toHex(), hash.toHex());
        }
      });
    }

    test('5. system.account once, as a subscription, and at a past block', async () => {
      const past = await c.api.rpc.chain.getFinalizedHead();
      const now = await c.api.query.system.account(c.alice.address);
      const [first, second] = await Promise.all([
        collect((add) => c.api.query.system.account(c.alice.address, add), (seen) => seen.length >= 2),
        tick(c),
      ]).then(([seen]) => seen);
      assert.equal(first.nonce.toNumber(), now.nonce.toNumber());
      assert.equal(second.nonce.toNumber(), now.nonce.toNumber() + 1);
      const before = await (await c.api.at(past)).query.system.account(c.alice.address);
      assert.equal(before.toHex(), now.toHex());
    });

    test('6. system.account.entries() pages over more than 1,000 accounts', async () => {
      const made = [];
      for (let batch = 0; batch < 5; batch++) {
        const transfers = [];
        for (let i = 0; i < 210; i++) {
          const id = new Uint8Array(32).fill(7);
          id.set([batch, i], 0);
          made.push(c.keyring.encodeAddress(id));
          transfers.push(c.api.tx.balances.transferKeepAlive(made.at(-1), unit));
        }
        const { events, error } = await send(c.api.tx.utility.batchAll(transfers), c.alice);
        assert.ok(!error, error?.toString());
        assert.ok(events.some((event) => named(event) === 'utility.BatchCompleted'));
      }
      const entries = await c.api.query.system.account.entries();
      const addresses = new Set(entries.map(([key]) => key.args[0].toString()));
      assert.equal(addresses.size, entries.length, 'a page repeats keys');
      assert.ok(entries.length > 1000 + 12, `${entries.length} entries`);
      for (const address of made) assert.ok(addresses.has(address), address);
      assert.equal((await c.api.query.system.account.keys()).length, entries.length);
    });

    test('7. paymentInfo gives a fee and a weight', async () => {
      const info = await c.api.tx.balances.transferKeepAlive(c.bob.address, unit).paymentInfo(c.alice);
      assert.ok(info.partialFee.toBigInt() > 0n);
      assert.ok(info.weight.refTime.toBigInt() > 0n);
      assert.ok(info.class.isNormal);
    });

    test('8. a transfer with sr25519: statuses, events, and the fee that was estimated', async () => {
      const tx = c.api.tx.balances.transferKeepAlive(c.bob.address, unit);
      const { partialFee } = await tx.paymentInfo(c.alice);
      const { statuses, events, hash, block } = await send(tx, c.alice);
      assert.deepEqual(statuses, ['Ready', 'InBlock', 'Finalized']);
      const names = events.map(named);
      assert.ok(names.includes('balances.Transfer'), names.join());
      assert.equal(names.at(-1), 'system.ExtrinsicSuccess');
      const paid = events.find((event) => named(event) === 'transactionPayment.TransactionFeePaid');
      assert.equal(paid.data.actualFee.toBigInt(), partialFee.toBigInt());
      const { block: { extrinsics } } = await c.api.rpc.chain.getBlock(block);
      assert.ok(extrinsics.some((extrinsic) => extrinsic.hash.eq(hash)));
    });

    for (const type of ['ed25519', 'ecdsa']) {
      test(`9. a transfer with ${type}`, async () => {
        const signer = new library.Keyring({ type }).addFromUri('//Alice');
        await send(c.api.tx.balances.transferKeepAlive(signer.address, 10n * unit), c.alice);
        const { events, error } = await send(c.api.tx.balances.transferKeepAlive(c.bob.address, unit), signer);
        assert.ok(!error, error?.toString());
        const transfer = events.find((event) => named(event) === 'balances.Transfer');
        assert.equal(transfer.data.from.toString(), c.keyring.encodeAddress(signer.addressRaw));
      });
    }

    test('10. a payload of more than 256 bytes signs and lands', async () => {
      const text = `0x${'ab'.repeat(300)}`;
      const { block, hash, error } = await send(c.api.tx.system.remark(text), c.alice);
      assert.ok(!error, error?.toString());
      const { block: { extrinsics } } = await c.api.rpc.chain.getBlock(block);
      const own = extrinsics.find((extrinsic) => extrinsic.hash.eq(hash));
      assert.equal(own.method.args[0].toHex(), text);
    });

    test('11. a transfer above the balance fails with a name and an explanation', async () => {
      const { error, events } = await send(c.api.tx.balances.transferKeepAlive(c.bob.address, 2_000_000n * unit), c.alice);
      assert.ok(error?.isToken, error?.toString());
      assert.equal(error.asToken.type, 'FundsUnavailable');
      assert.equal(named(events.at(-1)), 'system.ExtrinsicFailed');

      const unknown = await send(c.api.tx.sudo.sudo(c.api.tx.system.remark('0x')), c.bob);
      const { name, docs } = moduleError(c.api, unknown.error);
      assert.equal(name, 'sudo.RequireSudo');
      assert.ok(docs.length > 0, 'no docs');
    });

    test('13. five transactions without waiting between them all land', async () => {
      const first = (await c.api.rpc.system.accountNextIndex(c.alice.address)).toNumber();
      const sent = [];
      for (let i = 0; i < 5; i++) {
        sent.push(send(c.api.tx.balances.transferKeepAlive(c.bob.address, unit), c.alice, { nonce: first + i }));
      }
      for (const { error } of await Promise.all(sent)) assert.ok(!error, error?.toString());
      assert.equal((await c.api.query.system.account(c.alice.address)).nonce.toNumber(), first + 5);
    });

    test('14. old blocks: events, derive.tx.events, derive.chain.getBlock', async () => {
      const { block, hash, events } = await send(c.api.tx.balances.transferKeepAlive(c.bob.address, unit), c.alice);
      await tick(c);
      await tick(c);
      const then = await (await c.api.at(block)).query.system.events();
      assert.ok(then.length > events.length);
      assert.ok(then.some(({ event }) => named(event) === 'balances.Transfer'));
      const derived = await c.api.derive.tx.events(block);
      assert.equal(derived.events.length, then.length);
      const whole = await c.api.derive.chain.getBlock(block);
      const own = whole.extrinsics.find(({ extrinsic }) => extrinsic.hash.eq(hash));
      assert.ok(own.events.some((event) => named(event) === 'balances.Transfer'));
      assert.equal(own.dispatchError, undefined);
    });
  });

  describe(`polkadot.js ${version}, a block every 2 s`, hangs, () => {
    const c = chain(library, '--seal', 'interval=2000');

    test('12. a used nonce is refused as outdated; a taken one needs a higher tip', async () => {
      const transfer = () => c.api.tx.balances.transferKeepAlive(c.bob.address, unit);
      await send(transfer(), c.alice);
      const next = (await c.api.rpc.system.accountNextIndex(c.alice.address)).toNumber();
      await assert.rejects(transfer().signAndSend(c.alice, { nonce: next - 1 }), (refusal) => {
        assert.equal(refusal.code, 1010);
        assert.equal(refusal.data, 'Transaction is outdated');
        return true;
      });
      // Right after a block there are nearly two seconds in which the first of these waits in the pool.
      await collect((add) => c.api.rpc.chain.subscribeNewHeads(add), (seen) => seen.length >= 2);
      await transfer().signAndSend(c.alice, { nonce: next });
      const rival = c.api.tx.balances.transferKeepAlive(c.bob.address, 2n * unit);
      await assert.rejects(rival.signAndSend(c.alice, { nonce: next }), (refusal) => {
        assert.equal(refusal.code, 1014);
        assert.match(refusal.message, /Priority is too low/);
        return true;
      });
      c.console.complaints.splice(0, Infinity, ...c.console.complaints.filter((line) => !/RPC-CORE: submit.*10(10|14):/.test(line)));
    });
  });

  describe(`polkadot.js ${version}, a runtime upgrade`, hangs, () => {
    const c = chain(library);

    test('15. set_code: event, digest item, the library follows by itself, old blocks still decode', async () => {
      const old = await send(c.api.tx.balances.transferKeepAlive(c.bob.address, unit), c.alice);
      const before = c.api.runtimeVersion.specVersion.toNumber();
      const code = await readFile(secondRuntime);
      const decorated = new Promise((resolve) => { c.api.once('decorated', resolve); });
      const { events, block, error } = await send(c.api.tx.sudo.sudo(c.api.tx.system.setCode(`0x${code.toString('hex')}`)), c.alice);
      assert.ok(!error, error?.toString());
      const names = events.map(named);
      assert.ok(names.includes('sudo.Sudid'), names.join());
      assert.ok(events.find((event) => named(event) === 'sudo.Sudid').data.sudoResult.isOk);

      await decorated; // by itself, told by its own subscription
      assert.ok(c.api.runtimeVersion.specVersion.toNumber() > before);
      await tick(c);

      const codeUpdated = await findBlock(c, block, (eventNames) => eventNames.includes('system.CodeUpdated'));
      const header = await c.api.rpc.chain.getHeader(codeUpdated);
      assert.ok(header.digest.logs.some((log) => log.isRuntimeEnvironmentUpdated), header.digest.toString());

      const then = await (await c.api.at(old.block)).query.system.events();
      assert.ok(then.some(({ event }) => named(event) === 'balances.Transfer'));
      assert.ok((await c.api.derive.chain.getBlock(old.block)).extrinsics.length > 0);
      const { error: after } = await send(c.api.tx.balances.transferKeepAlive(c.bob.address, unit), c.alice);
      assert.ok(!after, after?.toString());
    });
  });
}

// findBlock goes from a block to the best one and returns the first whose events fit.
async function findBlock(c, from, fits) {
  const best = (await c.api.rpc.chain.getHeader()).number.toNumber();
  const first = (await c.api.rpc.chain.getHeader(from)).number.toNumber();
  for (let number = first; number <= best; number++) {
    const hash = await c.api.rpc.chain.getBlockHash(number);
    const events = await (await c.api.at(hash)).query.system.events();
    if (fits(events.map(({ event }) => named(event)))) return hash;
  }
  throw new Error(`no block from ${first} to ${best} has the events`);
}
