// The job hosts under test run only on Linux.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
