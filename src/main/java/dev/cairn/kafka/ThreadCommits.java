package dev.cairn.kafka;

import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.processor.internals.RecordCollector;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ConcurrentModificationException;
import java.util.Map;

/*
 * Why
 *           Under exactly_once_v2, Kafka Streams 4.3 does not tell a store of the commits of a running
 *           task (StreamTask.postCommit): a store hears of a commit when its task has been restored, is
 *           handed over or is closed. Without this class, a killed store would go back to the point
 *           where its task was last restored.
 * Actors    The thread of the task. Only this thread writes to the store, except during the restore,
 *           which is done before, on another thread.
 * Steps     1  The thread writes to the store, and sends the change to its changelog.
 *           2  The thread commits its transaction, which holds all that it has sent.
 *           3  It counts the commit in its metric commit-total.
 *           4  It is about to write to the store again.
 * Why it holds
 *           If the count at step 4 differs from that at step 1, the thread has been through step 2 in
 *           between. Since then it has sent nothing to this changelog, as this is the next write. So all
 *           that the store holds is committed. A transaction is committed only when all of it was acknowledged. So the
 *           last acknowledged offset of the changelog is that of the store's last change.
 *           If a transaction is aborted, the task is closed, and its stores with it.
 * What is benign
 *           A commit during a rebalance is not counted: the next one is seen. The map of offsets is
 *           copied while the producer's thread may put offsets of other partitions into it, in the next
 *           transaction. If that breaks the copy, or our offset is missing, this commit is skipped.
 *           If the metric or the map does not exist, no commit is ever found here, and the store keeps
 *           the commits that Kafka tells it of.
 */
/** Finds out whether the thread that writes to a store has committed what it wrote before. */
final class ThreadCommits {
    private static final String GROUP = "stream-thread-metrics";
    private static final String COUNT = "commit-total";
    private static final String THREAD = "thread-id";

    private final StateStoreContext context;
    private final RecordCollector.@Nullable Supplier sent;
    private final long pauseNanos;
    private @Nullable Thread thread;
    private @Nullable Metric counted;
    private double seen;
    private long lastNanos;

    /**
     * @param atMost the least time between two commits that are reported, as each costs a
     *     checkpoint; null to report none
     */
    ThreadCommits(StateStoreContext context, @Nullable Duration atMost) {
        this.context = context;
        pauseNanos = atMost == null ? 0 : atMost.toNanos();
        lastNanos = System.nanoTime() - pauseNanos; // so that the first commit is reported
        boolean isTold =
                !StreamsConfig.EXACTLY_ONCE_V2.equals(
                        context.appConfigs().get(StreamsConfig.PROCESSING_GUARANTEE_CONFIG));
        sent =
                atMost != null && !isTold && context instanceof RecordCollector.Supplier supplier
                        ? supplier
                        : null;
    }

    /**
     * Looks for a commit. It is called before each write, on the thread that writes.
     *
     * @return the offset in the changelog of the store's last change, if that change and all before
     *     it are known to be committed; null if they are not, or if that was returned before
     */
    @Nullable Long committedUpTo(TopicPartition changelog) {
        if (sent == null) {
            return null;
        }
        if (thread != Thread.currentThread()) {
            thread = Thread.currentThread();
            counted = metric(thread.getName());
            seen = count();
            return null;
        }
        double now = count();
        if (now == seen) {
            return null;
        }
        seen = now;
        return isSoonAfterLast() ? null : acknowledged(sent.recordCollector(), changelog);
    }

    private @Nullable Metric metric(String threadName) {
        for (Map.Entry<MetricName, ? extends Metric> each :
                context.metrics().metrics().entrySet()) {
            MetricName name = each.getKey();
            if (name.name().equals(COUNT)
                    && name.group().equals(GROUP)
                    && threadName.equals(name.tags().get(THREAD))) {
                return each.getValue();
            }
        }
        return null;
    }

    private double count() {
        return counted != null && counted.metricValue() instanceof Double number ? number : 0;
    }

    private boolean isSoonAfterLast() {
        long now = System.nanoTime();
        if (now - lastNanos < pauseNanos) {
            return true;
        }
        lastNanos = now;
        return false;
    }

    /**
     * @param collector null while the task is a standby, whose store only a restore writes
     */
    private static @Nullable Long acknowledged(
            @Nullable RecordCollector collector, TopicPartition changelog) {
        try {
            return collector == null ? null : collector.offsets().get(changelog);
        } catch (ConcurrentModificationException e) {
            return null;
        }
    }
}
