// cli/verbs.c -- the one table of verbs and their options.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "cli.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct cli_option run_options[] = {
    {"--report", "FILE",
     "write the report to FILE as well: as a page for a browser or, where FILE ends in .txt, as "
     "text"},
    {"--json", "FILE", "write every figure of the report to FILE as JSON"},
    {"--limit", "SIZE",
     "refuse memory over SIZE, such as 64M, to each process's heap; 'cgroup': stay within the "
     "limit of its own cgroup"},
    {"--option", "NAME=VALUE", "set an option of the library; 'midden options' lists them"},
    {"--fail-on", "KINDS",
     "end with status 86 when the program ended well and one of these was found, likely or "
     "certain: "
     "kinds with commas between, as in leaked,growing:possible"},
    {"--fail-status", "N", "end with N instead of 86"},
    {"--suppress", "FILE", "leave out the findings that FILE names, a line each: KIND PATTERN"},
    {"--diagnose-crash", NULL,
     "watch every thread of PROGRAM, and say what a fatal fault was about: it slows down programs "
     "that start many threads"},
    {"--gc-log", "FILE",
     "let collected heaps write a log of their collections to FILE, in the format of the JVM; %p "
     "in its name is the number of the process"},
    {"--quiet", NULL, "print no report and no status line"},
};

static const struct cli_option attach_options[] = {
    {"--for", "TIME", "look for TIME, such as 30s or 10m; else 10s"},
    {"--json", "FILE", "write every figure to FILE as JSON"},
    {"--fail-on", "KINDS", "end with status 86 when one of these is found, likely or certain"},
    {"--fail-status", "N", "end with N instead of 86"},
    {"--suppress", "FILE", "leave out the findings that FILE names, a line each: KIND PATTERN"},
};

static const struct cli_option report_options[] = {
    {"-o", "FILE",
     "write the page to FILE, or its data where FILE ends in .json; else to PROGRAM.PID.html"},
};

static const struct cli_option runs_options[] = {
    {"--json", "FILE", "write the list to FILE as JSON"},
    {"--remove", "RUN", "drop a run, such as r12 or last"},
};

static const struct cli_option diff_options[] = {
    {"--threshold", "SIZE|PERCENT",
     "end with status 86 when a site or the whole grew by more, such as 64k or 10%"},
    {"--json", "FILE", "write every site that changed to FILE as JSON"},
};

static const struct cli_option export_options[] = {
    {"--pprof", "FILE", "write a profile for 'go tool pprof' and its like to FILE"},
    {"--folded", "FILE", "write folded stacks with their live bytes to FILE, for flame graphs"},
    {"--allocated", NULL, "write to --folded all bytes ever allocated, not those that are live"},
    {"--chrome", "FILE",
     "write live memory over time to FILE, for Perfetto and other readers of Chrome's trace "
     "events"},
    {"--openmetrics", "FILE", "write the figures at the end to FILE, as --listen serves them"},
    {"--listen", "ADDRESS:PORT",
     "serve the figures of processes that run to Prometheus and its like, as in 127.0.0.1:9464"},
};

static const struct cli_option record_options[] = {
    {"-o", "FILE", "write the trace to FILE; else to PROGRAM.PID.midden"},
    {"--stacks", NULL, "record the calling stack of each event as well"},
    {"--pid", "PID", "record a process that runs on Midden already, until it ends or ^C"},
    {"--for", "TIME", "stop recording after TIME, such as 30s, 500ms or 5m"},
    {"--max-bytes", "SIZE", "stop recording when the trace has SIZE, such as 2G"},
    {"--option", "NAME=VALUE", "set an option of the library; 'midden options' lists them"},
};

static const struct cli_option trace_options[] = {
    {"--svg", "FILE", "write the plot of live bytes over time to FILE"},
    {"--csv", "FILE", "write every event to FILE, a line each"},
    {"--from", "TIME", "show the events from TIME on, such as 2s or 500ms, instead of the summary"},
    {"--to", "TIME", "show the events before TIME"},
    {"--import", "OTHER", "make FILE from what Valgrind or heaptrack wrote, then show it"},
};

static const struct cli_option replay_options[] = {
    {"--under", "LIST",
     "the allocators, with commas between: midden, midden:OPTION=VALUE, glibc, mimalloc, jemalloc, "
     "tcmalloc, tbbmalloc, the path of a library that exports malloc, first-fit, next-fit, "
     "best-fit, worst-fit, segregated-fit, tlsf, buddy, obmalloc, arena; else all that are here"},
    {"--rounds", "N", "time each N times, and take the least; else 3"},
    {"--limit", "SIZE", "stop a row that holds more than SIZE; else half of the machine's memory"},
    {"--time-limit", "TIME",
     "stop a row that runs longer; else ten times the fastest row, and 10 s at least"},
    {"--touch", "WHAT", "write to each block's 'ends', first and last word, or to 'all' of it"},
    {"--verify", NULL, "fill every block and check it, in a round that is not timed"},
    {"--process", "N", "replay process N of the trace; else the one with most events"},
    {"--region", "SIZE", "give each policy a region of SIZE that does not grow; refusals count"},
    {"--bare", NULL, "let policies keep their tags apart, so that blocks have no headers"},
    {"--addresses", NULL, "print where each policy placed each block, as offsets in its region"},
    {"--json", "FILE", "write every figure to FILE as JSON"},
    {"--svg", "FILE", "write a plot of time and memory to FILE"},
};

static const struct cli_option doctor_options[] = {
    {"--json", "FILE", "write what was found to FILE as JSON"},
};

static const struct cli_option leaks_options[] = {
    {"--json", "FILE", "write every figure to FILE as JSON"},
};

static const struct cli_option graph_options[] = {
    {"--site", "NAME", "show what holds the blocks of sites that have NAME in their names"},
    {"--to", "ADDRESS", "show what holds the block at ADDRESS"},
    {"--diff", "FILE", "show what changed since the snapshot FILE"},
    {"--final", "FILE",
     "of what was born since then, show what is in the later snapshot FILE as well"},
    {"-o", "FILE", "write a snapshot to FILE, to be opened or compared later"},
    {"--hprof", "FILE", "write a heap dump for Eclipse MAT and VisualVM to FILE"},
    {"--heapsnapshot", "FILE", "write a heap snapshot for Chrome's DevTools and memlab to FILE"},
    {"--json", "FILE", "write what is printed, and more of it, to FILE as JSON"},
};

static const struct cli_option watch_options[] = {
    {"--every", "TIME", "look so often, such as 500ms or 1m; else every 10s"},
    {"--for", "TIME", "end after TIME, such as 30s, 5m or 1h"},
    {"--growth", "PERCENT", "raise the alarm of growth over PERCENT an hour; else 50"},
    {"--json", NULL, "print an object a line, as JSON"},
    {"--command", "CMD",
     "run CMD by the shell at each alarm, with MIDDEN_ALARM, MIDDEN_TEXT, MIDDEN_PID and "
     "MIDDEN_COMMAND in its environment"},
    {"--syslog", NULL, "write alarms to the system's log as well"},
    {"--fail", NULL, "end with 1 when an alarm was raised"},
};

static const struct cli_option help_options[] = {
    {"--man", NULL, "print the manual page, for man(1)"},
    {"--completion", "SHELL", "print completion for bash or zsh"},
};

const struct cli_verb cli_verbs[] = {
    {"run", "[--] PROGRAM [ARGUMENT]...", "run a program on Midden's heap and report its memory",
     "Starts PROGRAM with libmidden as its malloc and follows it and its children. While it runs "
     "on a terminal, a line on standard error tells what it holds; at its end a report tells "
     "where its resident memory is, and why.\n\n"
     "The exit status is PROGRAM's own; when a signal killed PROGRAM, midden ends by the same "
     "signal. It is 127 when there is no such program, 126 when it may not be run, 2 when the "
     "command line was wrong, and 1 when a file could not be written at the end of a run that "
     "else ended with 0. Signals sent to midden are passed on to PROGRAM.",
     run_options, COUNT(run_options), cli_run},
    {"attach", "PID", "tell what is wrong with the memory of a process that runs",
     "Looks for a while at a process that runs on Midden already, and prints its findings: which "
     "line leaks, grows, fragments or churns, and what to change. It works after the trouble "
     "began, "
     "since the process knows the ages of its blocks; at the end its memory is walked for what is "
     "lost, as 'midden leaks PID' does, for which it stands still shortly.\n\n"
     "The kinds are leaked, growing, fragmented, churn, temporary, realloc-ladder, unused, "
     "double-buffering, remote-free, false-sharing, stack, mapped and kernel; each is possible, "
     "likely or certain. The exit status is 0, or 86 when --fail-on says so.",
     attach_options, COUNT(attach_options), cli_attach},
    {"report", "RUN", "write the report of a process as a page for a browser",
     "RUN is r12 or another of 'midden runs', last, the number of a process of yours that runs on "
     "Midden, or a file that 'midden report -o FILE.json' wrote. The page is one HTML file that "
     "needs neither a network nor anything "
     "beside "
     "it: findings first, live memory over time by site, a flame graph of live and of allocated "
     "bytes, sizes and lifetimes of blocks, the spans. 'midden run --report FILE' writes the same "
     "at the end of a run.",
     report_options, COUNT(report_options), cli_report},
    {"runs", "", "list the runs that were kept",
     "Each 'midden run' is kept for 30 days, 256 MiB of them at most, in "
     "$XDG_STATE_HOME/midden/runs.db or ~/.local/state/midden/runs.db, which is yours alone. The "
     "list shows the newest first: when it started, how long it took, the peak of its largest "
     "process, what was live at its end, how many findings there were.\n\n"
     "'midden report', 'midden diff' and 'midden export' take a run by its name, as r12, or the "
     "newest as last.",
     runs_options, COUNT(runs_options), cli_runs},
    {"diff", "RUN RUN", "tell which sites grew or shrank from one run to another",
     "Compares what is live at the end of both, site by site, the largest change first. A site is "
     "the stack that allocates, known by its functions and files, so that builds of one program "
     "can be compared.\n\n"
     "RUN is r12 or another of 'midden runs', last, the number of a process that runs, or a file "
     "that 'midden report RUN -o FILE.json' wrote. With --threshold the exit status is 86 when a "
     "site, or all together, grew by more than that; what is estimated from samples counts as "
     "grown where it grew by more than its error too.",
     diff_options, COUNT(diff_options), cli_diff},
    {"export", "RUN|PID...", "write a run, or what runs, in the formats of other tools",
     "Writes RUN for the tools that you have: pprof, flame graphs, Perfetto, Prometheus. RUN is "
     "r12 or another of 'midden runs', last, the number of a process that runs, or a file that "
     "'midden report RUN -o FILE.json' wrote. A FILE of - is standard output.\n\n"
     "--listen serves http://ADDRESS:PORT/metrics as OpenMetrics until it is ended: of the "
     "processes named, or of all of yours on Midden. Nobody but this machine can reach 127.0.0.1; "
     "with another address all who reach it can read the figures and the names of functions.",
     export_options, COUNT(export_options), cli_export},
    {"record", "[--] PROGRAM [ARGUMENT]...",
     "record every allocation, resize and free of a program",
     "Starts PROGRAM on Midden's heap, or finds the process that --pid names, and writes each of "
     "its allocations, resizes and frees to a trace: thread, time, size, alignment and return "
     "address; its children's too. 'midden trace' tells what is in one.\n\n"
     "With --stacks each event has the whole calling stack, from the unwind tables that every "
     "program has: no rebuild and no frame pointers are needed. Code that is compiled as the "
     "program "
     "runs is followed by its frame pointers. 63 frames are kept.\n\n"
     "When recording stops, by --for, --max-bytes or a full disk, the program goes on at full "
     "speed. What is lost because a thread was faster than the recorder for long is counted. The "
     "trace of a program that was killed reaches up to its death. The exit status is that of "
     "'midden run'.",
     record_options, COUNT(record_options), cli_record},
    {"trace", "FILE", "tell what is in a trace",
     "Shows the sums of a trace that 'midden record' wrote, its live bytes over time, sizes, "
     "lifetimes, and who asks for most: by function and line, from the files of the program and "
     "its "
     "libraries and what debugging information is installed for them. A damaged trace is read as "
     "far "
     "as it goes.\n\n"
     "--import reads the text of 'valgrind --trace-malloc=yes' (its standard error), which knows "
     "neither times nor threads, and the raw stream of 'heaptrack --raw', plain or packed by zstd, "
     "which knows no threads. Files that heaptrack has interpreted, and those of DHAT, do not say "
     "which block a free was of, so no trace can be made of them.",
     trace_options, COUNT(trace_options), cli_trace},
    {"replay", "TRACE", "run a recorded workload again under each of many allocators",
     "Does what one process of a trace did, its threads as recorded, under each allocator in a "
     "process of its own, and tells what each took: time in the allocator, resident memory, heap "
     "extent, fragmentation. The last lines name the best in time, the best in memory, the knee, "
     "which is nearest to both, and say what to take.\n\n"
     "An allocator that is a malloc runs with threads, of which each waits only for a block to "
     "exist. The policies have no threads and run in recorded order: their fragmentation is the "
     "same to the byte each time. A row that runs into a limit says at which event; the exit "
     "status is 0 when one row or more came to its end.",
     replay_options, COUNT(replay_options), cli_replay},
    {"graph", "PID|CORE|FILE", "tell who holds the memory of a process",
     "Reads the heap of a process that runs on Midden, of a core file or of a snapshot block by "
     "block, follows its pointers, and tells what holds how much: what would be freed if a "
     "variable, a frame or a block let go. The process stands still while it is copied, half a "
     "second for each GiB at most, and goes on. No rebuild is needed.\n\n"
     "Suspects are found as Eclipse MAT does: what has a fifth of the heap or more, and the block "
     "where it gathers. Words that look like pointers are taken for pointers, so some may be "
     "none.\n\n"
     "To see what an action leaves behind, take a snapshot with -o before it, one behind it and "
     "one when all should be freed; then 'midden graph SECOND --diff FIRST --final THIRD' shows "
     "what was born by the action and is still there.",
     graph_options, COUNT(graph_options), cli_graph},
    {"ps", "", "list the processes that run on Midden",
     "Shows this user's processes with what is resident of each, what is live in its heap, its "
     "threads and how long it has run. What processes that died left behind is removed a day "
     "after it was first seen.",
     NULL, 0, cli_ps},
    {"doctor", "PID|CORE", "look over the structures of a heap for damage",
     "Checks every record, list and count of the heap of a process that runs on Midden, or of its "
     "core file, and tells what holds and what is broken, with addresses. The process is stopped "
     "for as long as it takes; one that is found broken is looked at again, as it may have been "
     "amid a change.\n\n"
     "The exit status is 0 when all of it is sound, 1 when something is broken, 2 when the command "
     "line was wrong, and 3 when the heap could not be looked at.",
     doctor_options, COUNT(doctor_options), cli_doctor},
    {"leaks", "PID|CORE", "find the blocks of a process or a core file that nothing points to",
     "Looks through registers, stacks, variables, thread-local storage and all other memory that "
     "the program of PID can write for pointers to blocks of its heap, from those blocks on to "
     "others, and lists what is lost by the line that allocated it. A block is direct when nothing "
     "leads to it, indirect when only a lost block does, and possible when something may: a "
     "pointer to its inside, or one that is left over. Neither a rebuild nor a restart is needed, "
     "only that the program runs on Midden.\n\n"
     "The program stands still while its memory is copied. As it runs on meanwhile, two looks are "
     "taken, a second apart, and what both say is told. Of a core file, one is.\n\n"
     "A block whose stack was not sampled is named by the stacks of blocks that look like it and "
     "are lost as well, by its C++ class, or by its size.\n\n"
     "The exit status is 0 when nothing is lost, 1 when there are direct leaks, 2 when the command "
     "line was wrong, and 3 when the memory could not be read.",
     leaks_options, COUNT(leaks_options), cli_leaks},
    {"top", "[PID]", "show a process's memory as it is, on the full screen",
     "Shows resident memory against what it may not pass, live heap and rates, and a table of the "
     "sites that allocate: live bytes, growth in an hour, rate, and how each went. Without PID it "
     "lists this user's processes on Midden to choose from. The key ? explains the others; q "
     "quits.\n\n"
     "It needs a terminal. The process is not stopped and runs as it did; when it ends, what was "
     "last seen stays.",
     NULL, 0, cli_top},
    {"watch", "PID...", "tell of any process's memory, a line at a time, and raise alarms",
     "Prints a line for each process every now and then: resident memory, its proportional part "
     "(PSS), swap and, of a process on Midden, its live heap. The processes need not run on "
     "Midden.\n\n"
     "An alarm is raised when memory grows by more than 50 % an hour, as judged by the lower "
     "bound of the slope over the least values of windows; when 90 % of its cgroup's "
     "limit is used; when what is swapped out grows; and when a process ends. Each is raised "
     "again only after it was over.\n\n"
     "It ends with the last process, after --for, or by ^C. The exit status is 0; with --fail it "
     "is 1 when an alarm was raised; 3 when there is no such process.",
     watch_options, COUNT(watch_options), cli_watch},
    {"options", "", "list the options of the library",
     "They are set with --option NAME=VALUE of 'midden run', or for any program in the variable "
     "MIDDEN_OPTIONS, as in MIDDEN_OPTIONS=heap_limit=64M,hardened=1. Sizes take k, M, G or T, "
     "powers of 1024.",
     NULL, 0, cli_options},
    {"help", "[VERB]", "explain a verb, or all of them",
     "Shows the verbs, or what one of them does and its options; 'midden VERB --help' is the same.",
     help_options, COUNT(help_options), cli_help},
};
const size_t cli_verb_count = COUNT(cli_verbs);

const struct cli_verb *cli_verb_find(const char *name) {
  for (size_t i = 0; i < cli_verb_count; i++)
    if (strcmp(cli_verbs[i].name, name) == 0) return &cli_verbs[i];
  return NULL;
}
