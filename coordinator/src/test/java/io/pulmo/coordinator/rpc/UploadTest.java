package io.pulmo.coordinator.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.pulmo.coordinator.FakeClock;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.node.HostPort;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadTest {
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  private final AtomicLong usableBytes = new AtomicLong(1L << 40);
  private final BlobStore store;
  private final CompletableFuture<Status> end = new CompletableFuture<>();
  private boolean leads = true;

  UploadTest(@TempDir Path folder) throws IOException {
    store = new BlobStore(folder, new FakeClock(), usableBytes::get);
  }

  private Upload upload() {
    return new Upload(
        store,
        new BlobCopies(store, List::of),
        () ->
            leads
                ? Optional.empty()
                : Optional.of(Wire.notLeader(Optional.of(new HostPort("leader", 1)), "")),
        new StreamObserver<PutBlobResponse>() {
          @Override
          public void onNext(PutBlobResponse response) {}

          @Override
          public void onError(Throwable t) {
            end.complete(Status.fromThrowable(t));
          }

          @Override
          public void onCompleted() {
            end.complete(Status.OK);
          }
        },
        System::nanoTime,
        () -> {});
  }

  private static PutBlobRequest.Builder head() {
    return PutBlobRequest.newBuilder().setSha256(ABC).setTotalBytes(3);
  }

  private static PutBlobRequest data() {
    return PutBlobRequest.newBuilder().setData(ByteString.copyFromUtf8("abc")).build();
  }

  private Status end() throws Exception {
    return end.get(10, TimeUnit.SECONDS);
  }

  @Test
  void upload_onAFullDisk_isRefusedForWantOfRoom_inWords() throws Exception {
    usableBytes.set(1_000);
    upload().onNext(head().build());
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, end().getCode());
    String words = String.valueOf(end().getDescription());
    assertTrue(words.contains("no room for a blob of 3 bytes: 1000 are free"), words);
    assertTrue(words.contains("free some"), words);
  }

  @Test
  void upload_ofWhatIsThereAlready_isAnsweredAtOnce() throws Exception {
    Upload first = upload();
    first.onNext(head().build());
    first.onNext(data());
    first.onCompleted();
    assertEquals(Status.OK, end());
    upload().onNext(head().build());
    assertEquals(3, store.size(ABC).orElse(0));
  }

  @Test
  void upload_whereNobodyLeads_isTakenAsAnotherCoordinatorsCopyAlone() throws Exception {
    leads = false;
    Upload copy = upload();
    copy.onNext(head().setCopy(true).build());
    copy.onNext(data());
    copy.onCompleted();
    assertEquals(Status.OK, end());
    assertEquals(3, store.size(ABC).orElse(0));
  }

  @Test
  void upload_toOneThatDoesNotLead_isSentToTheLeader() throws Exception {
    leads = false;
    upload().onNext(head().build());
    assertEquals(Status.Code.FAILED_PRECONDITION, end().getCode());
    assertTrue(String.valueOf(end().getDescription()).contains("leader:1"));
  }
}
