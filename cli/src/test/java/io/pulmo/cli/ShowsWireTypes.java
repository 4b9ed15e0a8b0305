package io.pulmo.cli;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.List;
import java.util.stream.Stream;

/**
 * Holds of a class that has a public method or constructor with a gRPC, protobuf or Guava type in
 * its signature.
 */
final class ShowsWireTypes extends ArchCondition<JavaClass> {
  private static final List<String> WIRE = List.of("io.grpc.", "com.google.", "io.pulmo.proto.");

  ShowsWireTypes() {
    super("show a type of gRPC, protobuf or Guava");
  }

  @Override
  public void check(JavaClass item, ConditionEvents events) {
    for (JavaCodeUnit unit : item.getCodeUnits()) {
      if (!unit.getModifiers().contains(JavaModifier.PUBLIC)) {
        continue;
      }
      Stream.concat(Stream.of(unit.getRawReturnType()), unit.getRawParameterTypes().stream())
          .filter(type -> WIRE.stream().anyMatch(type.getName()::startsWith))
          .forEach(
              type ->
                  events.add(
                      SimpleConditionEvent.satisfied(
                          unit, unit.getFullName() + " shows " + type.getName())));
    }
  }
}
