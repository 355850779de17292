// The job hosts under test are for Linux alone.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
