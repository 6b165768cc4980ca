/*
 * How often keys are used in a run. The program is linked so that these stand between the nodes and the keys; what the simulator itself
 * verifies is in it.
 *
 * What has been verified is not reckoned again: in a forum of many each signature is verified by every member, and by the
 * simulator after each step. What does not verify is reckoned each time.
 */
#include <string.h>

#include "crypto/crypto.h"
#include "sim.h"

uint64_t sim_signatures, sim_verifications;
bool sim_reckon_each;

#define VERIFIED (1u << 17) /* a newer one takes the place of an older one */
static uint8_t verified[VERIFIED][SHA256_SIZE];

void __real_ed25519_sign(uint8_t sig[static ED25519_SIG_SIZE], const struct ed25519_key *k, struct bytes msg);
bool __real_ed25519_verify(const uint8_t pub[static ED25519_KEY_SIZE], const uint8_t sig[static ED25519_SIG_SIZE],
                           struct bytes msg);
void __wrap_ed25519_sign(uint8_t sig[static ED25519_SIG_SIZE], const struct ed25519_key *k, struct bytes msg);
bool __wrap_ed25519_verify(const uint8_t pub[static ED25519_KEY_SIZE], const uint8_t sig[static ED25519_SIG_SIZE],
                           struct bytes msg);

void __wrap_ed25519_sign(uint8_t sig[static ED25519_SIG_SIZE], const struct ed25519_key *k, struct bytes msg) {
  sim_signatures++;
  __real_ed25519_sign(sig, k, msg);
}

bool __wrap_ed25519_verify(const uint8_t pub[static ED25519_KEY_SIZE], const uint8_t sig[static ED25519_SIG_SIZE],
                           struct bytes msg) {
  const struct bytes parts[] = {BYTES(pub, ED25519_KEY_SIZE), BYTES(sig, ED25519_SIG_SIZE), msg};
  uint8_t digest[SHA256_SIZE];
  uint32_t place;
  sim_verifications++;
  if (sim_reckon_each) return __real_ed25519_verify(pub, sig, msg);
  sha256v(digest, parts, 3);
  memcpy(&place, digest, sizeof place);
  uint8_t *known = verified[place % VERIFIED];
  if (!memcmp(known, digest, sizeof digest)) return true;
  if (!__real_ed25519_verify(pub, sig, msg)) return false;
  memcpy(known, digest, sizeof digest);
  return true;
}
