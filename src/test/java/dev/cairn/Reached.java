package dev.cairn;

import dev.cairn.os.Steps;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The threads that reached a step, for tests that go on once others have come so far. */
public final class Reached {
    private final List<Thread> threads = new CopyOnWriteArrayList<>();

    private Reached() {}

    /** Notes from now on who reaches the step. This replaces any other listener. */
    public static Reached by(String step) {
        Reached reached = new Reached();
        Steps.listen(name -> {
            if (name.equals(step)) {
                reached.threads.add(Thread.currentThread());
            }
        });
        return reached;
    }

    /** Returns when so many threads have reached the step, each of them that many times. */
    public void await(int threadCount, int times) throws InterruptedException {
        while (threads.stream().distinct().filter(each -> times(each) >= times).count()
                < threadCount) {
            Thread.sleep(1);
        }
    }

    private long times(Thread thread) {
        return threads.stream().filter(each -> each == thread).count();
    }
}
