using System.Runtime.InteropServices;
using PipeForkAs.LibC.Tests;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

// Descriptors, the umask and signal dispositions belong to the whole process, so only one test runs at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(Deadline))]
