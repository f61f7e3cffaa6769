// cli/hook.c -- see hook.h.
// SPDX-License-Identifier: MIT
#include "hook.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

// Forget those that ended; how many still run.
static int hook_reap(struct cli_hook *hook) {
  int running = 0;
  for (int i = 0; i < CLI_HOOKS; i++) {
    if (hook->running[i] != 0 && waitpid(hook->running[i], NULL, WNOHANG) != 0)
      hook->running[i] = 0;
    running += hook->running[i] != 0;
  }
  return running;
}

static _Noreturn void hook_exec(const struct cli_hook *hook, const struct cli_hook_word *word,
                                size_t words) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (size_t i = 0; i < words; i++) setenv(word[i].name, word[i].value, 1);
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  execl("/bin/sh", "sh", "-c", hook->command, (char *)NULL);
  _exit(127);
}

void cli_hook_run(struct cli_hook *hook, const struct cli_hook_word *word, size_t words) {
  if (hook->command == NULL) return;
  if (hook_reap(hook) == CLI_HOOKS) {
    cli_say("%d alarm commands still run, so no other is started: let them end sooner", CLI_HOOKS);
    return;
  }
  pid_t pid = fork();
  if (pid == 0) hook_exec(hook, word, words);
  if (pid < 0) cli_say("the alarm command could not be started: %m");
  for (int i = 0; pid > 0 && i < CLI_HOOKS; i++) {
    if (hook->running[i] != 0) continue;
    hook->running[i] = pid;
    return;
  }
}

void cli_hook_wait(struct cli_hook *hook, double seconds) {
  double end = cli_seconds() + seconds;
  while (hook_reap(hook) > 0 && cli_seconds() < end) usleep(10000);
}
