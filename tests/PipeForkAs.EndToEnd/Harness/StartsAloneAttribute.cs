using System.Diagnostics;
using System.Reflection;
using PipeForkAs.LibC;
using Xunit.v3;

[assembly: PipeForkAs.EndToEnd.Harness.StartsAlone]

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// Starts each test when no process of the test users is left, including zombies: a daemon may reply before a worker is reaped, and a test
/// that counts processes would find those of the previous test.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class StartsAloneAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        UserId[] users = [TestUsers.Entry(TestUsers.Alice).Uid, TestUsers.Entry(TestUsers.Bob).Uid];
        for (long begun = Stopwatch.GetTimestamp(); ProcFs.HasAny(users); Thread.Sleep(20))
        {
            if (Stopwatch.GetElapsedTime(begun) > Patience)
                throw new TimeoutException($"a former test left {ProcFs.Names(ProcFs.OfUsers(users))}");
        }
    }
}
