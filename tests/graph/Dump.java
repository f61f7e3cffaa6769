// tests/graph/Dump.java -- what VisualVM's heap library reads in a heap dump, a line for each class.
// SPDX-License-Identifier: MIT
//
//   java -cp JAR Dump.java FILE: "class<tab>NAME<tab>INSTANCES<tab>BYTES"; and of each instance of
//   a class that is not Java's own "block<tab>ADDRESS<tab>BYTES<tab>RETAINED", the address - where
//   the block had no room for it
import java.io.File;
import java.util.List;
import org.graalvm.visualvm.lib.jfluid.heap.Heap;
import org.graalvm.visualvm.lib.jfluid.heap.HeapFactory;
import org.graalvm.visualvm.lib.jfluid.heap.Instance;
import org.graalvm.visualvm.lib.jfluid.heap.JavaClass;

class Dump {
  public static void main(String[] arguments) throws Exception {
    Heap heap = HeapFactory.createHeap(new File(arguments[0]));
    for (JavaClass type : (List<JavaClass>) heap.getAllClasses()) {
      System.out.println("class\t" + type.getName() + "\t" + type.getInstancesCount() + "\t"
          + type.getAllInstancesSize());
      if (type.getName().startsWith("java.")) continue;
      for (Instance each : (List<Instance>) type.getInstances()) {
        Object address = each.getValueOfField("address");
        System.out.println("block\t"
            + (address == null ? "-" : Long.toHexString(Long.parseLong(address.toString())))
            + "\t" + each.getSize() + "\t" + each.getRetainedSize());
      }
    }
  }
}
