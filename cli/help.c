// cli/help.c -- `midden help`: the verbs for a terminal, for man(1) and for the shell, from one
// table.
//
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "cli.h"
#include "midden/version.h"
#include "observe/words.h"

static const char about[] =
    "Midden is a malloc that shows where memory goes. Any program runs on it unchanged, and is "
    "told "
    "what its memory did.";

// ---- for a terminal -----------------------------------------------------------------------------

static void paragraphs(const char *text, unsigned columns) {
  for (const char *at = text;;) {
    char one[2048];
    const char *end = strstr(at, "\n\n");
    size_t bytes = end ? (size_t)(end - at) : strlen(at);
    snprintf(one, sizeof one, "%.*s", (int)bytes, at);
    putchar('\n');
    mid_words_wrap(stdout, one, 0, columns);
    if (end == NULL) return;
    at = end + 2;
  }
}

static unsigned columns_for_text(void) {
  unsigned columns = cli_columns(STDOUT_FILENO);
  return columns < 100 ? columns : 100;
}

void cli_help_all(void) {
  unsigned columns = columns_for_text();
  puts("usage: midden VERB [OPTION]... [OPERAND]...\n       midden --version");
  paragraphs(about, columns);
  putchar('\n');
  for (size_t i = 0; i < cli_verb_count; i++) {
    printf("  %-10s", cli_verbs[i].name);
    mid_words_wrap(stdout, cli_verbs[i].summary, 12, columns);
  }
  puts("\n'midden help VERB' explains a verb.");
}

static void print_usage(const struct cli_verb *verb) {
  printf("usage: midden %s%s%s%s\n", verb->name, verb->options > 0 ? " [OPTION]..." : "",
         verb->operands[0] ? " " : "", verb->operands);
}

void cli_help_verb(const struct cli_verb *verb) {
  unsigned columns = columns_for_text();
  print_usage(verb);
  paragraphs(verb->text, columns);
  if (verb->options > 0) putchar('\n');
  for (size_t i = 0; i < verb->options; i++) {
    const struct cli_option *o = &verb->option[i];
    int width = printf("  %s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf(width < 24 ? "%*s" : "\n%*s", width < 24 ? 24 - width : 24, "");
    mid_words_wrap(stdout, o->meaning, 24, columns);
  }
}

// ---- for man(1) ---------------------------------------------------------------------------------

// Dashes that can be copied, and no line that roff takes for a command.
static void roff(const char *text) {
  for (const char *at = text; *at != 0; at++) {
    bool first = at == text || at[-1] == '\n';
    if (first && (*at == '.' || *at == '\'')) fputs("\\&", stdout);
    if (at[0] == '\n' && at[1] == '\n') {
      fputs("\n.PP\n", stdout);
      at++;
    } else if (*at == '\\') {
      fputs("\\e", stdout);
    } else if (*at == '-') {
      fputs("\\-", stdout);
    } else {
      putchar(*at);
    }
  }
  putchar('\n');
}

static void man_verb(const struct cli_verb *verb) {
  printf(".SS midden %s%s%s%s\n", verb->name, verb->options > 0 ? " [OPTION]..." : "",
         verb->operands[0] ? " " : "", verb->operands);
  roff(verb->text);
  for (size_t i = 0; i < verb->options; i++) {
    const struct cli_option *o = &verb->option[i];
    fputs(".TP\n.BI ", stdout);
    for (const char *at = o->name; *at != 0; at++) printf(*at == '-' ? "\\-" : "%c", *at);
    printf(o->value != NULL ? " \" %s\"\n" : "\n", o->value);
    roff(o->meaning);
  }
}

static void man_library_options(void) {
  puts(".SH LIBRARY OPTIONS");
  for (size_t i = 0; i < MID_OPTION_COUNT; i++) {
    char def[32];
    struct mid_text t = mid_text_open(def, sizeof def);
    mid_option_print(&mid_option_rows[i], mid_option_rows[i].def, &t);
    printf(".TP\n.BR %s \" (default %s)\"\n", mid_option_rows[i].name, def);
    roff(mid_option_rows[i].meaning);
  }
}

static void man(void) {
  puts(".TH MIDDEN 1 \"\" \"midden " MIDDEN_VERSION "\" \"User Commands\"");
  puts(".SH NAME\nmidden \\- run programs on a heap that shows where memory goes");
  puts(".SH SYNOPSIS\n.B midden\n.I VERB\n[\\fIOPTION\\fR]... [\\fIOPERAND\\fR]...");
  puts(".br\n.B midden \\-\\-version\n.SH DESCRIPTION");
  roff(about);
  puts(".SH VERBS");
  for (size_t i = 0; i < cli_verb_count; i++) man_verb(&cli_verbs[i]);
  man_library_options();
  puts(".SH ENVIRONMENT\n.TP\n.B MIDDEN_OPTIONS\nOptions of the library, with commas between.");
  puts(".TP\n.B NO_COLOR\nSet to anything: no colour in the report.");
  puts(
      ".SH FILES\n.TP\n.IR $XDG_RUNTIME_DIR/midden/ ,\\  /dev/shm/midden\\-UID/ ,\\  "
      "/tmp/midden\\-UID/\nWhere processes on Midden write what the command reads: the first of "
      "these that can be used.");
}

// ---- for the shell ------------------------------------------------------------------------------

static void verb_names(const char *before, const char *after) {
  for (size_t i = 0; i < cli_verb_count; i++) printf("%s%s%s", before, cli_verbs[i].name, after);
}

static void option_names(void) {
  for (size_t i = 0; i < MID_OPTION_COUNT; i++) printf("%s= ", mid_option_rows[i].name);
}

static void bash_verb(const struct cli_verb *verb) {
  printf("    %s) COMPREPLY=($(compgen -W '--help", verb->name);
  for (size_t i = 0; i < verb->options; i++) printf(" %s", verb->option[i].name);
  if (verb->run == cli_help) verb_names(" ", "");
  puts("' -- \"$word\")) ;;");
}

// What follows the options of `run` is a command of its own.
static void bash(void) {
  puts(
      "# bash completion for midden, printed by 'midden help --completion bash'\n"
      "_midden() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD - 1]}\" i\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then");
  printf("    COMPREPLY=($(compgen -W '--help --version");
  verb_names(" ", "");
  puts(
      "' -- \"$word\"))\n    return\n  fi\n"
      "  if [[ ${COMP_WORDS[1]} == run ]]; then\n"
      "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
      "      case ${COMP_WORDS[i]} in\n"
      "        --report | --json | --limit | --option) ((i++)) ;;\n"
      "        --) ((i++)); break ;;\n"
      "        -*) ;;\n"
      "        *) break ;;\n"
      "      esac\n"
      "    done\n"
      "    if ((i <= COMP_CWORD)) && [[ $word != -* || ${COMP_WORDS[i - 1]} == -- ]]; then\n"
      "      case $before in --report | --json | --limit | --option) ;; *)\n"
      "        declare -F _command_offset >/dev/null && _command_offset $i ||\n"
      "          COMPREPLY=($(compgen -c -- \"$word\"))\n"
      "        return ;;\n"
      "      esac\n"
      "    fi\n"
      "  fi\n"
      "  case $before in\n"
      "    --report | --json) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
      "    --limit) COMPREPLY=($(compgen -W 'cgroup 64M 1G' -- \"$word\")); return ;;");
  printf("    --option) COMPREPLY=($(compgen -W '");
  option_names();
  puts(
      "' -- \"$word\")); compopt -o nospace; return ;;\n"
      "    --completion) COMPREPLY=($(compgen -W 'bash zsh' -- \"$word\")); return ;;\n"
      "  esac\n"
      "  case ${COMP_WORDS[1]} in");
  for (size_t i = 0; i < cli_verb_count; i++) bash_verb(&cli_verbs[i]);
  puts("  esac\n}\ncomplete -F _midden midden");
}

// In brackets and quotes of zsh's _arguments some letters have to be shielded.
static void zsh_words(const char *words) {
  for (; *words != 0; words++) {
    if (strchr("[]:", *words)) putchar('\\');
    fputs(*words == '\'' ? "'\\''" : (char[]){*words, 0}, stdout);
  }
}

static void zsh_option(const struct cli_option *o) {
  printf(" '%s[", o->name);
  zsh_words(o->meaning);
  putchar(']');
  if (o->value != NULL) printf(":%s:%s", o->value, strcmp(o->value, "FILE") == 0 ? "_files" : " ");
  putchar('\'');
}

static void zsh(void) {
  puts(
      "#compdef midden\n# printed by 'midden help --completion zsh'\n_midden() {\n"
      "  if ((CURRENT == 2)); then\n    local -a verbs=(");
  for (size_t i = 0; i < cli_verb_count; i++) {
    printf("      '%s:", cli_verbs[i].name);
    zsh_words(cli_verbs[i].summary);
    puts("'");
  }
  puts(
      "    )\n    _describe verb verbs\n    return\n  fi\n  local verb=$words[2]\n"
      "  shift words\n  ((CURRENT--))\n  case $verb in");
  for (size_t i = 0; i < cli_verb_count; i++) {
    printf("    %s) _arguments", cli_verbs[i].name);
    for (size_t k = 0; k < cli_verbs[i].options; k++) zsh_option(&cli_verbs[i].option[k]);
    puts(cli_verbs[i].run == cli_run ? " '*::program:_normal' ;;" : " '--help' ;;");
  }
  puts("  esac\n}\n_midden \"$@\"");
}

// ---- the verb -----------------------------------------------------------------------------------

enum { MAN, COMPLETION };

static void completion(const char *shell) {
  if (strcmp(shell, "bash") == 0)
    bash();
  else if (strcmp(shell, "zsh") == 0)
    zsh();
  else
    cli_die(CLI_USAGE, "there is no completion for '%s': give bash or zsh", shell);
}

static void help_verb(const char *name) {
  const char *names[CLI_NAMES_MOST];
  size_t count = 0;
  for (; count < cli_verb_count && count < CLI_NAMES_MOST; count++)
    names[count] = cli_verbs[count].name;
  const struct cli_verb *verb = cli_verb_find(name);
  if (verb != NULL) {
    cli_help_verb(verb);
    return;
  }
  const char *near = mid_nearest_name(name, strlen(name), names, count);
  cli_die(CLI_USAGE,
          near ? "there is no verb '%s': did you mean '%s'?"
               : "there is no verb '%s': 'midden help' lists them",
          name, near);
}

int cli_help(int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  int option = cli_args_next(&args);
  if (option == MAN) man();
  if (option == COMPLETION) completion(args.value);
  if (option >= 0) {
    cli_args_end(&args);
  } else if (args.at < argc) {
    const char *name = argv[args.at++];
    cli_args_end(&args);
    help_verb(name);
  } else {
    cli_help_all();
  }
  return 0;
}
