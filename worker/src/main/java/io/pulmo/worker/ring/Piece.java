package io.pulmo.worker.ring;

import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * A part of a chunk that travels in one message.
 *
 * @param round of the all-reduce, 0 to 2(N−1)−1
 * @param offset where it starts in the vector, in elements
 * @param count its elements
 */
record Piece(int round, int offset, int count) {
  // In round t the member of rank r sends chunk (r − t) mod N and receives chunk (r − t − 1) mod N,
  // in both halves. What it receives in round t is therefore what it sends in round t + 1, and each
  // link carries its pieces in one order that both ends know.

  /** The last round but one of the sum: from round N−1 on, sums go round. */
  static int reduceRounds(int members) {
    return members - 1;
  }

  static int rounds(int members) {
    return 2 * (members - 1);
  }

  /** What a member sends on its own account: the pieces of its own chunk. */
  static Iterator<Piece> own(int length, int members, int rank, int pieceElements) {
    return new Pieces(length, members, rank, pieceElements, 0, 1);
  }

  /** All that a member receives, in order. */
  static Iterator<Piece> received(int length, int members, int rank, int pieceElements) {
    return new Pieces(length, members, rank - 1, pieceElements, 0, rounds(members));
  }

  private static final class Pieces implements Iterator<Piece> {
    private final int length;
    private final int members;
    private final int chunkOfRoundZero;
    private final int pieceElements;
    private final int endRound;
    private int round;
    private int offset;
    private int chunkEnd;

    Pieces(int length, int members, int chunk, int pieceElements, int round, int endRound) {
      this.length = length;
      this.members = members;
      this.chunkOfRoundZero = chunk;
      this.pieceElements = pieceElements;
      this.round = round;
      this.endRound = endRound;
      enterRound();
    }

    private void enterRound() {
      while (round < endRound) {
        int chunk = Math.floorMod(chunkOfRoundZero - round, members);
        offset = boundary(chunk);
        chunkEnd = boundary(chunk + 1);
        if (offset < chunkEnd) {
          return;
        }
        round++;
      }
    }

    private int boundary(int chunk) {
      return (int) ((long) length * chunk / members);
    }

    @Override
    public boolean hasNext() {
      return round < endRound;
    }

    @Override
    public Piece next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Piece piece = new Piece(round, offset, Math.min(pieceElements, chunkEnd - offset));
      offset += piece.count;
      if (offset == chunkEnd) {
        round++;
        enterRound();
      }
      return piece;
    }
  }
}
