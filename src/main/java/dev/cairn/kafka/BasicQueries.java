package dev.cairn.kafka;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.query.FailureReason;
import org.apache.kafka.streams.query.KeyQuery;
import org.apache.kafka.streams.query.Position;
import org.apache.kafka.streams.query.PositionBound;
import org.apache.kafka.streams.query.Query;
import org.apache.kafka.streams.query.QueryConfig;
import org.apache.kafka.streams.query.QueryResult;
import org.apache.kafka.streams.query.RangeQuery;
import org.apache.kafka.streams.query.ResultOrder;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

import java.util.Map;

/**
 * The interactive queries that a key-value store answers: for one key, and for a range of keys.
 */
final class BasicQueries {
    private BasicQueries() {}

    /**
     * @param position the position of the store, which does not change meanwhile
     *
     * @param partition the partition of the store's task, -1 for a global store
     */
    @SuppressWarnings("unchecked") // the class of a query determines the type of its result
    static <R> QueryResult<R> answer(
            KeyValueStore<Bytes, byte[]> store,
            Query<R> query,
            PositionBound bound,
            QueryConfig config,
            Position position,
            int partition) {
        long start = config.isCollectExecutionInfo() ? System.nanoTime() : 0;
        QueryResult<R> result;
        if (!isUpTo(bound.position(), position, partition)) {
            result = QueryResult.notUpToBound(position, bound, partition);
        } else {
            try {
                result =
                        switch (query) {
                            case KeyQuery<?, ?> of ->
                                    (QueryResult<R>)
                                            QueryResult.forResult(
                                                    store.get(
                                                            ((KeyQuery<Bytes, byte[]>) of)
                                                                    .getKey()));
                            case RangeQuery<?, ?> of ->
                                    (QueryResult<R>)
                                            QueryResult.forResult(
                                                    scan(store, (RangeQuery<Bytes, byte[]>) of));
                            default -> QueryResult.forUnknownQueryType(query, store);
                        };
            } catch (RuntimeException e) {
                result =
                        QueryResult.forFailure(
                                FailureReason.STORE_EXCEPTION,
                                "%s of store %s failed: %s".formatted(query, store.name(), e));
            }
        }
        if (config.isCollectExecutionInfo()) {
            result.addExecutionInfo(
                    "Handled in %s in %dns".formatted(store.getClass(), System.nanoTime() - start));
        }
        result.setPosition(position.copy());
        return result;
    }

    private static KeyValueIterator<Bytes, byte[]> scan(
            KeyValueStore<Bytes, byte[]> store, RangeQuery<Bytes, byte[]> query) {
        Bytes from = query.getLowerBound().orElse(null);
        Bytes to = query.getUpperBound().orElse(null);
        return query.resultOrder() == ResultOrder.DESCENDING
                ? store.reverseRange(from, to)
                : store.range(from, to);
    }

    /**
     * Whether the position has reached the bound in this partition; bounds of other partitions do
     * not matter.
     */
    private static boolean isUpTo(Position bound, Position position, int partition) {
        for (String topic : bound.getTopics()) {
            Long least = bound.getPartitionPositions(topic).get(partition);
            Map<Integer, Long> seen = position.getPartitionPositions(topic);
            if (least != null && seen.getOrDefault(partition, -1L) < least) {
                return false;
            }
        }
        return true;
    }
}
