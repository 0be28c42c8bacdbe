package dev.cairn.cli;

/** The exit codes of verbs, for scripts. A usage error is picocli's 2. */
final class ExitCode {
    static final int OK = 0;
    static final int NOT_FOUND = 1;
    static final int DAMAGED = 3;
    static final int FAILED = 4;

    /**
     * The code with which the shell reports the death by SIGPIPE: the reader of the output has
     * gone.
     */
    static final int BROKEN_PIPE = 128 + 13;

    private ExitCode() {}
}
