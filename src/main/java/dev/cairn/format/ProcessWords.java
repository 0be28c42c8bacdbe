package dev.cairn.format;

/** Offsets in an entry of the process table. */
public final class ProcessWords {
    public static final int INCARNATION = 0;
    public static final int PID = 8;
    public static final int START_TICKS = 16;
    public static final int PID_NAMESPACE = 24;
    public static final int TIME_NAMESPACE = 32;
    public static final int STATE = 40;
    public static final int LOCK_LOST = 48;
    public static final int LOCK_KIND = 56;

    public static final long STATE_FREE = 0;
    public static final long STATE_OPEN = 1;
    public static final long LOCK_OF_PROCESS = 0;
    public static final long LOCK_OF_DESCRIPTION = 1;

    private ProcessWords() {}
}
