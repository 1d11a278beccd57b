// Puts contracts on the chain and calls them, always with the limits that the dry run recommends, as applications do.
import assert from 'node:assert/strict';
import { CodePromise, ContractPromise } from '@polkadot/api-contract';
import { send } from '../clients/send.mjs';

let salts = 0;

// freshSalt differs at each call.
export const freshSalt = () => `0x${(++salts).toString(16).padStart(8, '0')}`;

// dryInstantiate runs a constructor without a transaction.
export function dryInstantiate(c, code, wasm, constructor, args, { salt = '0x', value = 0, gasLimit = null } = {}) {
  const data = code.abi.findConstructor(constructor).toU8a(args);
  return c.api.call.contractsApi.instantiate(c.alice.address, value, gasLimit, null, { Upload: wasm }, data, salt);
}

// deploy uploads and instantiates; the address must be the one that the dry run foretold.
export async function deploy(c, { abi, wasm }, constructor, args, { salt = freshSalt(), value = 0 } = {}) {
  const code = new CodePromise(c.api, abi, wasm);
  const dry = await dryInstantiate(c, code, wasm, constructor, args, { salt, value });
  assert.ok(dry.result.isOk, `${dry.result.toString()} ${dry.debugMessage.toUtf8()}`);
  const tx = code.tx[constructor]({ gasLimit: dry.gasRequired, storageDepositLimit: null, value, salt }, ...args);
  const { result, error } = await send(tx, c.alice);
  assert.ok(!error, error?.toString());
  assert.ok(result.contract, 'the result has no contract');
  assert.equal(result.contract.address.toString(), dry.result.asOk.accountId.toString());
  return { contract: result.contract, code, result, dry };
}

// reverts says whether a contract that ended wanted its changes undone.
export const reverts = ({ flags }) => (flags.bits.toNumber() & 1) === 1;

// ask makes a dry run and returns the message's value.
export async function ask(c, contract, message, ...args) {
  const { result, output, debugMessage } = await contract.query[message](c.alice.address, { gasLimit: -1 }, ...args);
  assert.ok(result.isOk, `${message}: ${result.toString()} ${debugMessage.toUtf8()}`);
  assert.ok(!reverts(result.asOk), `${message} reverts`);
  return output.toJSON().ok;
}

// tell sends a message with the gas that its dry run says it needs.
export async function tell(c, contract, message, { value = 0, signer = c.alice } = {}, ...args) {
  const dry = await contract.query[message](signer.address, { gasLimit: -1, value }, ...args);
  const gasLimit = dry.gasRequired;
  return { dry, ...(await send(contract.tx[message]({ gasLimit, storageDepositLimit: null, value }, ...args), signer)) };
}

// at is a contract that is on the chain already.
export const at = (c, { abi }, address) => new ContractPromise(c.api, abi, address);
