package dev.cairn.cli;

/** What a verb's exit tells a script; a usage error is picocli's 2. */
final class ExitCode {
    static final int OK = 0;
    static final int NOT_FOUND = 1;
    static final int DAMAGED = 3;
    static final int FAILED = 4;

    /** As the shell reports the death by SIGPIPE: whoever read the output went away. */
    static final int BROKEN_PIPE = 128 + 13;

    private ExitCode() {}
}
