/**
 * State stores of Kafka Streams in Cairn. Data and changelog offsets become durable together: a
 * store that was not closed properly goes back to its last commit, and is not rebuilt from its
 * changelog. Other processes can read global tables without a lock.
 *
 * <p>This package needs Kafka Streams 4.3, which Cairn does not bring along.
 */
@NullMarked
package dev.cairn.kafka;

import org.jspecify.annotations.NullMarked;
