using PipeForkAs.Daemon.Tests.Fakes;

// Descriptors, the umask, children and /proc belong to the whole process, so only one test runs at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(Deadline))]
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
