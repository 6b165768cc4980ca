/*
 * parleyd: the node of one party, in the foreground.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/daemon.h"

static const char help[] =
    "usage: parleyd [--home DIR]\n"
    "\n"
    "Runs the node of the party whose home is DIR (default $PARLEY_HOME, else ~/.parley), in the foreground, until it\n"
    "gets SIGTERM or SIGINT. Counterparts connect to the address that the option listen in parley.conf names; parley\n"
    "and curl reach it by DIR/parleyd.sock. It logs to standard error.\n"
    "\n"
    "  --home DIR   the home\n"
    "  --version    print the version\n"
    "  --help       print this\n"
    "\n"
    "Environment:\n"
    "  PARLEY_HOME              the home\n"
    "  PARLEY_PASSPHRASE_FILE   file with the passphrase of protected keys, instead of asking\n"
    "  PARLEY_DEBUG             if set, debuggers may attach\n"
    "\n"
    "Example:\n"
    "  parley init cert.us.example --listen 192.0.2.1:7411\n"
    "  parleyd\n"
    "\n"
    "Exit status: 0 stopped by a signal, 1 could not start, 2 wrong usage.\n";

static int usage(void) {
  fputs("see parleyd --help\n", stderr);
  return 2;
}

/* -1: go on. */
static int read_options(int argc, char **argv, const char **home) {
  static const struct option options[] = {{"home", required_argument, NULL, 'H'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},
                                          {NULL, 0, NULL, 0}};
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
    case 'H': *home = optarg; break;
    case 'h': fputs(help, stdout); return 0;
    case 'v': puts("parleyd " PARLEY_VERSION); return 0;
    default: return usage();
    }
  if (optind == argc) return -1;
  fprintf(stderr, "parleyd: unexpected argument \"%s\"\n", argv[optind]);
  return usage();
}

/* Keys are in this memory: no core file, no debugger, no file for others. */
static void harden(void) {
  const struct rlimit none = {0, 0};
  umask(077);
  if (getenv("PARLEY_DEBUG")) return;
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int argc, char **argv) {
  struct daemon d;
  struct errmsg e = {""};
  const char *home = NULL;
  const int status = read_options(argc, argv, &home);
  if (status >= 0) return status;
  harden();
  const parley_err err = daemon_open(&d, home, &e);
  if (err) {
    log_line(&d.log, LOG_AS_ERROR, "cannot start: %s", e.text);
  } else {
    log_line(&d.log, LOG_AS_INFO, "parleyd " PARLEY_VERSION ", %s, listens on %s as %s", d.own.name, d.config.listen,
             d.config.url);
    notify("READY=1");
    daemon_run(&d);
    notify("STOPPING=1");
    log_line(&d.log, LOG_AS_INFO, "stopped");
  }
  daemon_close(&d);
  return err ? 1 : 0;
}
