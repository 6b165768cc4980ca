/*
 * How often keys are used in a run. The program is linked so that these stand between the nodes and the keys; what the simulator itself
 * verifies is in it.
 */
#include "crypto/crypto.h"
#include "sim.h"

uint64_t sim_signatures, sim_verifications;

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
  sim_verifications++;
  return __real_ed25519_verify(pub, sig, msg);
}
