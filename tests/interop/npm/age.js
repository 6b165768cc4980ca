// age files by age-encryption, the age of TypeScript:
//   age.js seal [-a] RECIPIENT... | seal-pass PASSPHRASE | open IDENTITY-FILE | open-pass PASSPHRASE   <in >out
// Exit: 0, 1 refused, 2 usage.
import { readFileSync, writeSync } from "node:fs";
import { Decrypter, Encrypter, armor } from "age-encryption";

const verbs = {
  async seal(plain, ...to) {
    const armored = to[0] === "-a";
    const age = new Encrypter();
    for (const recipient of armored ? to.slice(1) : to) age.addRecipient(recipient);
    const sealed = await age.encrypt(plain);
    return armored ? Buffer.from(armor.encode(sealed)) : sealed;
  },
  async "seal-pass"(plain, passphrase) {
    const age = new Encrypter();
    age.setPassphrase(passphrase);
    age.setScryptWorkFactor(12);
    return age.encrypt(plain);
  },
  async open(sealed, path) {
    const age = new Decrypter();
    for (const line of readFileSync(path, "utf8").split("\n"))
      if (line !== "" && !line.startsWith("#")) age.addIdentity(line);
    return age.decrypt(binary(sealed));
  },
  async "open-pass"(sealed, passphrase) {
    const age = new Decrypter();
    age.addPassphrase(passphrase);
    return age.decrypt(binary(sealed));
  },
};

function binary(file) {
  return file.subarray(0, 11).toString("latin1") === "-----BEGIN " ? armor.decode(file.toString("latin1")) : file;
}

const [verb, ...args] = process.argv.slice(2);
if (!Object.hasOwn(verbs, verb) || args.length === 0) {
  console.error("usage: age.js seal|seal-pass|open|open-pass …");
  process.exit(2);
}
try {
  const out = await verbs[verb](readFileSync(0), ...args);
  for (let at = 0; at < out.length; ) at += writeSync(1, out, at);
} catch (e) {
  console.error(`refused: ${e.message}`);
  process.exitCode = 1;
}
