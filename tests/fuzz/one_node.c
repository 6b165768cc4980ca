#include "fuzz/one_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
  struct buf file;
  struct signed_tree memory[16];
  char memory_key[16][200];
  size_t n_memory;
  uint64_t random;
  int64_t ms;
} made;

static void must(bool ok) {
  if (!ok) abort();
}

static void notice(struct rig_party *from, char id[static 65]) {
  static const char text[] =
      "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"status\":\"test\","
      "\"body\":{\"aware_at\":\"2026-11-24T10:00:00Z\",\"title\":\"No. 1\",\"summary\":\"Text\"}}";
  unsigned status;
  json_t *v = rig_ask(from, "POST", "/v1/statements?wait=60", text, &status);
  must(status == 201);
  snprintf(id, 65, "%s", json_string_value(json_object_get(v, "id")));
  json_decref(v);
}

static void read_file(struct buf *out, const char *path) {
  FILE *f = fopen(path, "rb");
  int c;
  must(f != NULL);
  while ((c = getc(f)) != EOF) buf_u8(out, (uint8_t)c);
  fclose(f);
  must(buf_ok(out));
}

static void clean_up(void) {
  struct one_node *o = one_node();
  char wal[80];
  snprintf(wal, sizeof wal, "%s-wal", o->p->path);
  unlink(wal);
  unlink(o->p->path);
}

static void make(struct one_node *o) {
  static const char *const names[] = {"cert.us.example", "ncc.ru.example"};
  unsigned status;
  char path[160];
  rig_open(&o->rig, names, 2);
  o->p = &o->rig.party[0];
  rig_forum(&o->rig, o->forum);
  notice(o->p, o->sent);
  notice(&o->rig.party[1], o->received);
  snprintf(path, sizeof path, "/v1/statements/%s/ack?wait=60", o->sent);
  json_decref(rig_ask(&o->rig.party[1], "POST", path, "{\"officer\":\"duty\"}", &status));
  must(status == 201);
  json_decref(rig_ask(o->p, "POST", "/v1/forums", "{\"title\":\"Next\",\"members\":[\"ncc.ru.example\"]}", &status));
  must(status == 201);
  static const char draft[] =
      "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"red\",\"status\":\"test\","
      "\"body\":{\"aware_at\":\"2026-11-24T10:00:00Z\",\"title\":\"No. 2\",\"summary\":\"Text\"},"
      "\"files\":[{\"name\":\"a\",\"type\":\"text/plain\",\"size\":3,\"sha256\":"
      "\"0000000000000000000000000000000000000000000000000000000000000000\"}]}";
  json_decref(rig_ask(o->p, "POST", "/v1/statements", draft, &status));
  must(status == 202);
  rig_run(&o->rig, 5000);
  rig_stop(&o->rig.party[1]);
  unlink(o->rig.party[1].path);
  rig_stop(o->p);
  read_file(&made.file, o->p->path);
  memcpy(made.memory, o->p->memory, sizeof made.memory);
  memcpy(made.memory_key, o->p->memory_key, sizeof made.memory_key);
  made.n_memory = o->p->n_memory;
  made.random = o->rig.random;
  made.ms = o->rig.ms;
  unlink(o->p->path);
  snprintf(o->p->path, sizeof o->p->path, "%s/parley-fuzz-%d.sqlite", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
           getpid());
  atexit(clean_up);
}

struct one_node *one_node(void) {
  static struct one_node o;
  if (!o.p) make(&o);
  return &o;
}

void one_node_reset(struct one_node *o) {
  char wal[80];
  snprintf(wal, sizeof wal, "%s-wal", o->p->path);
  unlink(wal);
  FILE *f = fopen(o->p->path, "wb");
  must(f && fwrite(made.file.p, 1, made.file.n, f) == made.file.n && fclose(f) == 0);
  memcpy(o->p->memory, made.memory, sizeof made.memory);
  memcpy(o->p->memory_key, made.memory_key, sizeof made.memory_key);
  o->p->n_memory = made.n_memory;
  o->rig.random = made.random;
  o->rig.ms = made.ms;
}

bool one_node_start(struct one_node *o) {
  if (rig_try_start(o->p) == PARLEY_OK) return true;
  one_node_stop(o);
  return false;
}

void one_node_stop(struct one_node *o) { rig_stop(o->p); }
