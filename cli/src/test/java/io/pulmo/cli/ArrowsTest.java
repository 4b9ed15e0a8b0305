package io.pulmo.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/**
 * The arrows between packages, as ARCHITECTURE.md draws them. The POMs hold those between modules.
 */
@AnalyzeClasses(packages = "io.pulmo", importOptions = ImportOption.DoNotIncludeTests.class)
class ArrowsTest {
  private static final String[] WIRE = {"io.grpc..", "com.google.protobuf..", "io.pulmo.proto.."};

  @ArchTest
  static final ArchRule wireTypes_stayAtTheEdges =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.pulmo.proto..",
              "io.pulmo..rpc..",
              "io.pulmo.node",
              "io.pulmo.worker.ring",
              "io.pulmo.client",
              // each server's main wires its services together
              "io.pulmo.coordinator",
              "io.pulmo.worker",
              "io.pulmo.serving",
              // ONNX is a protobuf format, and no other message is known there
              "io.pulmo.export..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(WIRE);

  @ArchTest
  static final ArchRule zooKeeper_isTheCoordinatorsOwn =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.pulmo.coordinator.zookeeper")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.curator..", "org.apache.zookeeper..");

  @ArchTest
  static final ArchRule djl_isKnownWhereGradientsAndTorchAre =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.pulmo.net", "io.pulmo.worker.device", "io.pulmo.serving.backend")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("ai.djl..");

  @ArchTest
  static final ArchRule servers_knowNothingOfEachOther =
      slices().matching("io.pulmo.(coordinator|worker|serving)..").should().notDependOnEachOther();

  @ArchTest
  static final ArchRule model_knowsNoEngineAndNoNetwork =
      noClasses()
          .that()
          .resideInAPackage("io.pulmo.model..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("io.pulmo..").and(not(resideInAnyPackage("io.pulmo.model.."))));

  @ArchTest
  static final ArchRule client_leansOnProtoAlone =
      classes()
          .that()
          .resideInAPackage("io.pulmo.client..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "io.pulmo.client..",
              "io.pulmo.proto..",
              "io.grpc..",
              "com.google.protobuf..",
              "org.jspecify..",
              "java..");

  @ArchTest
  static final ArchRule clientsPublicTypes_showNoWireType =
      noClasses()
          .that()
          .resideInAPackage("io.pulmo.client..")
          .and()
          .arePublic()
          .should(new ShowsWireTypes());

  @ArchTest
  static final ArchRule packages_haveNoCycles =
      slices().matching("io.pulmo.(**)").should().beFreeOfCycles();
}
