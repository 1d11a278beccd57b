// The acceptance list for api-contract: eleven things that an application does with contracts, with the fixtures of both
// versions of ink!, and each fixture's builds against each other.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { BlueprintPromise, CodePromise } from '@polkadot/api-contract';
import { blake2AsHex, cryptoWaitReady } from '@polkadot/util-crypto';
import { chain, hangs } from '../clients/chain.mjs';
import { moduleError, named, send } from '../clients/send.mjs';
import { builds, bundle } from './bundles.mjs';
import { ask, at, deploy, dryInstantiate, freshSalt, reverts, tell } from './deploy.mjs';

const library = { ApiPromise, Keyring, WsProvider, cryptoWaitReady };
const supply = 10n ** 18n;

// callDepth is how many contracts may be inside one another, the first one included.
const callDepth = 24;

for (const [ink, abiVersion] of [['ink4', 4], ['ink5', 5]]) {
  describe(`api-contract, ${ink}`, hangs, () => {
    const c = chain(library);

    test('1. the bundle constructs', () => {
      for (const name of ['flipper', 'erc20', 'caller']) {
        const { abi, wasm } = bundle(ink, name);
        const code = new CodePromise(c.api, abi, wasm);
        assert.equal(Number(abi.version), abiVersion);
        assert.equal(abi.source.hash, blake2AsHex(wasm));
        assert.ok(code.tx.new, name);
      }
    });

    test('2. and 3. instantiation yields a contract at the address that the dry run foretold', async () => {
      const { result, dry } = await deploy(c, bundle(ink, 'flipper'), 'new', [true]);
      assert.equal(result.contract.address.toString(), dry.result.asOk.accountId.toString());
      const names = result.events.map(({ event }) => named(event));
      assert.ok(names.includes('contracts.Instantiated'), names.join());
      assert.ok(names.includes('contracts.CodeStored'), names.join());
    });

    test('4. a query with default gas, 5. and with an explicit limit', async () => {
      const { contract } = await deploy(c, bundle(ink, 'flipper'), 'new', [true]);
      const { result, output } = await contract.query.get(c.alice.address, { gasLimit: -1 });
      assert.ok(result.isOk, result.toString());
      assert.deepEqual(output.toJSON(), { ok: true });
      const gasLimit = c.api.registry.createType('WeightV2', { refTime: 50_000_000_000n, proofSize: 500_000n });
      const limited = await contract.query.get(c.alice.address, { gasLimit, storageDepositLimit: null });
      assert.deepEqual(limited.output.toJSON(), { ok: true });
      assert.ok(limited.gasRequired.refTime.toBigInt() > 0n);
      assert.ok(limited.gasRequired.refTime.toBigInt() >= limited.gasConsumed.refTime.toBigInt());
    });

    test('6. a message with the gas that its dry run requires', async () => {
      const { contract } = await deploy(c, bundle(ink, 'flipper'), 'new', [false]);
      const { error, events } = await tell(c, contract, 'flip');
      assert.ok(!error, error?.toString());
      assert.ok(events.map(named).includes('contracts.Called'));
      assert.equal(await ask(c, contract, 'get'), true);
    });

    test('7. events decode, with indexed fields', async () => {
      const { contract, result } = await deploy(c, bundle(ink, 'erc20'), 'new', [supply]);
      const minted = result.contractEvents ?? [];
      const { result: moved, error } = await tell(c, contract, 'transfer', {}, c.bob.address, 5n);
      assert.ok(!error, error?.toString());
      assert.equal(moved.contractEvents.length, 1, `${minted.length} when made`);
      const [{ event, args }] = moved.contractEvents;
      assert.equal(event.identifier.split('::').at(-1), 'Transfer');
      assert.deepEqual(args.map((arg) => arg.toJSON()), [c.keyring.encodeAddress(c.alice.address, 42), c.keyring.encodeAddress(c.bob.address, 42), 5]);
      assert.deepEqual([await ask(c, contract, 'balanceOf', c.bob.address)], [5]);
    });

    test('8. a message that returns an error reverts: the dry run says so, the transaction fails', async () => {
      const { contract } = await deploy(c, bundle(ink, 'erc20'), 'new', [1n]);
      const { dry, error } = await tell(c, contract, 'transfer', {}, c.bob.address, 2n);
      assert.ok(dry.result.isOk, dry.result.toString());
      assert.ok(reverts(dry.result.asOk));
      assert.deepEqual(dry.output.toJSON(), { ok: { err: 'InsufficientBalance' } });
      const { name, docs } = moduleError(c.api, error);
      assert.equal(name, 'contracts.ContractReverted');
      assert.ok(docs.length > 0);
      assert.deepEqual(await ask(c, contract, 'balanceOf', c.bob.address), 0);
    });

    test('9. too little gas', async () => {
      const { contract } = await deploy(c, bundle(ink, 'flipper'), 'new', [false]);
      const { gasRequired } = await contract.query.flip(c.alice.address, { gasLimit: -1 });
      const gasLimit = c.api.registry.createType('WeightV2', { refTime: gasRequired.refTime.toBigInt() / 2n, proofSize: gasRequired.proofSize });
      const { error } = await send(contract.tx.flip({ gasLimit, storageDepositLimit: null }), c.alice);
      assert.equal(moduleError(c.api, error)?.name, 'contracts.OutOfGas');
      assert.equal(await ask(c, contract, 'get'), false);
    });

    test('10. a blueprint, and the same salt again', async () => {
      const { abi, wasm } = bundle(ink, 'flipper');
      await deploy(c, { abi, wasm }, 'new', [false]);
      const blueprint = new BlueprintPromise(c.api, abi, blake2AsHex(wasm));
      const dry = await dryInstantiate(c, new CodePromise(c.api, abi, wasm), wasm, 'new', [true]);
      const options = { gasLimit: dry.gasRequired, storageDepositLimit: null, value: 0, salt: freshSalt() };
      const first = await send(blueprint.tx.new(options, true), c.alice);
      assert.ok(!first.error, first.error?.toString());
      assert.equal(await ask(c, first.result.contract, 'get'), true);
      const second = await send(blueprint.tx.new(options, true), c.alice);
      assert.equal(moduleError(c.api, second.error)?.name, 'contracts.DuplicateContract');
    });

    test('11. contractInfoOf and pristineCode', async () => {
      const { abi, wasm } = bundle(ink, 'flipper');
      const { contract } = await deploy(c, { abi, wasm }, 'new', [false]);
      const info = await c.api.query.contracts.contractInfoOf(contract.address);
      assert.equal(info.unwrap().codeHash.toHex(), blake2AsHex(wasm));
      assert.ok((await c.api.query.contracts.contractInfoOf(c.bob.address)).isNone);
      assert.equal((await c.api.query.contracts.pristineCode(blake2AsHex(wasm))).unwrap().toHex(), wasm);
      assert.ok((await c.api.query.contracts.pristineCode(blake2AsHex('0x'))).isNone);
    });

    for (const build of builds) {
      test(`a contract calls and instantiates others${build && `, ${build.slice(1)} build`}`, async () => {
        const flipper = bundle(ink, 'flipper', build);
        const { contract: first } = await deploy(c, flipper, 'new', [false]);
        const { contract: caller } = await deploy(c, bundle(ink, 'caller', build), 'new', [first.address]);
        let value = false;
        for (const message of ['flip', 'flipV1'].filter((name) => caller.tx[name])) {
          const { error } = await tell(c, caller, message);
          assert.ok(!error, `${message}: ${error?.toString()}`);
          value = !value;
          assert.equal(await ask(c, first, 'get'), value, message);
          assert.equal(await ask(c, caller, 'get'), value, message);
        }
        for (const message of ['spawn', 'spawnV1'].filter((name) => caller.tx[name])) {
          const { dry, error, events } = await tell(c, caller, message, {}, blake2AsHex(flipper.wasm), true, freshSalt());
          assert.ok(!error, `${message}: ${error?.toString()} ${dry.debugMessage.toUtf8()}`);
          const made = await ask(c, caller, 'flipper');
          assert.notEqual(made, first.address.toString());
          const instantiated = events.find((event) => named(event) === 'contracts.Instantiated');
          assert.equal(instantiated.data.contract.toString(), made);
          assert.equal(instantiated.data.deployer.toString(), caller.address.toString());
          assert.equal(await ask(c, at(c, flipper, made), 'get'), true);
          assert.equal(await ask(c, caller, 'get'), true);
        }
        assert.equal(await ask(c, caller, 'dive', callDepth - 1), callDepth - 1);
        // One deeper: the contract that asks for it traps, and the one above it sees that.
        assert.equal(await ask(c, caller, 'dive', callDepth), callDepth - 2);
        const paid = await tell(c, caller, 'pay', { value: 10n ** 12n }, c.bob.address, 10n ** 12n);
        const transfer = paid.events.findLast((event) => named(event) === 'balances.Transfer');
        assert.deepEqual(transfer.data.toJSON().slice(1), [c.keyring.encodeAddress(c.bob.address, 42), 10 ** 12]);
        const { error, events } = await tell(c, caller, 'end');
        assert.ok(!error, error?.toString());
        assert.ok(events.map(named).includes('contracts.Terminated'));
        assert.ok((await c.api.query.contracts.contractInfoOf(caller.address)).isNone);
      });

      test(`a token${build && `, ${build.slice(1)} build`}`, async () => {
        const { contract } = await deploy(c, bundle(ink, 'erc20', build), 'new', [supply]);
        const [alice, bob] = [c.alice.address, c.bob.address];
        for (const [message, signer, ...args] of [['transfer', c.alice, bob, 10n], ['approve', c.bob, alice, 7n], ['transferFrom', c.alice, bob, alice, 3n]]) {
          const { error, result } = await tell(c, contract, message, { signer }, ...args);
          assert.ok(!error, `${message}: ${error?.toString()}`);
          assert.equal(result.contractEvents.length, 1, message);
        }
        assert.equal(await ask(c, contract, 'balanceOf', bob), 7);
        assert.equal(BigInt(await ask(c, contract, 'balanceOf', alice)), supply - 7n);
        assert.equal(await ask(c, contract, 'allowance', bob, alice), 4);
        const { dry, error } = await tell(c, contract, 'transferFrom', {}, bob, alice, 5n);
        assert.deepEqual(dry.output.toJSON(), { ok: { err: 'InsufficientAllowance' } });
        assert.equal(moduleError(c.api, error)?.name, 'contracts.ContractReverted');
      });
    }
  });
}

describe('api-contract, events of every shape', hangs, () => {
  const c = chain(library);

  for (const build of builds) {
    test(`ink5 emitter${build && `, ${build.slice(1)} build`}`, async () => {
      const { contract } = await deploy(c, bundle('ink5', 'emitter', build), 'new', []);
      const who = c.keyring.encodeAddress(c.bob.address, 42);
      for (const [message, name, ...args] of [
        ['plain', 'Plain', 7], ['full', 'Full', 1, 'a text that is longer than thirty-two bytes', who, '0x0102'], ['full', 'Full', 2, '', null, '0x'],
        ['anonymous', 'Anonymous', 9, true], ['outside', 'Outside', 5, 'x'],
      ]) {
        const { result, error } = await tell(c, contract, message, {}, ...args);
        assert.ok(!error, `${message}: ${error?.toString()}`);
        assert.equal(result.contractEvents.length, 1, message);
        const [event] = result.contractEvents;
        assert.equal(event.event.identifier.split('::').at(-1), name);
        assert.deepEqual(event.args.map((arg) => arg.toJSON()), args);
      }
      const { result } = await tell(c, contract, 'many', {}, 20);
      assert.deepEqual(result.contractEvents.map(({ args }) => args[0].toNumber()), [...Array(20).keys()]);
    });
  }
});

describe('api-contract, contracts that fail', hangs, () => {
  const c = chain(library);

  for (const build of builds) {
    test(`ink5 trapper${build && `, ${build.slice(1)} build`}`, async () => {
      const { contract, code } = await deploy(c, bundle('ink5', 'trapper', build), 'new', []);
      for (const [message, ...args] of [['panic', 'why'], ['divide', 1, 0], ['index', 9], ['recurse', 1_000_000]]) {
        const { dry, error } = await tell(c, contract, message, {}, ...args);
        assert.equal(moduleError(c.api, dry.result.asErr)?.name, 'contracts.ContractTrapped', message);
        assert.ok(dry.debugMessage.toUtf8().length > 0, `${message}: the dry run does not say why`);
        assert.equal(moduleError(c.api, error)?.name, 'contracts.ContractTrapped', message);
      }
      assert.equal(await ask(c, contract, 'divide', 7, 2), 3);
      assert.equal(await ask(c, contract, 'index', 3), 7);
      assert.equal(await ask(c, contract, 'recurse', 50), 50);
      assert.equal(await ask(c, contract, 'hoard', 4), 4);

      const spin = await contract.query.spin(c.alice.address, { gasLimit: -1 });
      assert.equal(moduleError(c.api, spin.result.asErr)?.name, 'contracts.OutOfGas');

      const refused = await tell(c, contract, 'refuse', {}, 5);
      assert.deepEqual(refused.dry.output.toJSON(), { ok: { err: { asYouWish: 5 } } });
      assert.equal(moduleError(c.api, refused.error)?.name, 'contracts.ContractReverted');
      assert.equal(await ask(c, contract, 'number'), 0);

      const paid = await contract.query.number(c.alice.address, { gasLimit: -1, value: 1 });
      assert.equal(moduleError(c.api, paid.result.asErr)?.name, 'contracts.ContractTrapped');

      const { wasm } = bundle('ink5', 'trapper', build);
      const refusing = await dryInstantiate(c, code, wasm, 'refusing', [3]);
      assert.ok(reverts(refusing.result.asOk.result));
      const panicking = await dryInstantiate(c, code, wasm, 'panicking', []);
      assert.equal(moduleError(c.api, panicking.result.asErr)?.name, 'contracts.ContractTrapped');
    });
  }

  test('code that is not a contract is refused in words', async () => {
    const { abi, wasm } = bundle('ink5', 'flipper');
    const code = new CodePromise(c.api, abi, wasm);
    for (const [what, bytes] of [['nothing', '0x'], ['text', '0x68656c6c6f'], ['an empty module', '0x0061736d01000000'], ['half a contract', wasm.slice(0, 1000)]]) {
      const dry = await dryInstantiate(c, code, bytes, 'new', [true]);
      assert.equal(moduleError(c.api, dry.result.asErr)?.name, 'contracts.CodeRejected', what);
      assert.ok(dry.debugMessage.toUtf8().length > 0, `${what}: the dry run does not say why`);
      const uploaded = await send(c.api.tx.contracts.uploadCode(bytes, null, 'Enforced'), c.alice);
      assert.equal(moduleError(c.api, uploaded.error)?.name, 'contracts.CodeRejected', what);
    }
  });
});
