using System.Text;
using System.Text.Json;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Lists the jobs that the caller may know, as text for people and as JSON for programs.</summary>
internal static class ListHandler
{
    /// <summary>Answers <c>list</c>.</summary>
    public static async ValueTask<EndRecord> ListAsync(
        JobCatalog catalog, LimitOptions limits, Func<string, bool> mayKnow, Request request, Reply reply)
    {
        JobDescription[] jobs =
            [.. catalog.All.Where(job => mayKnow(job.Description.Name)).Select(job => Effective(job.Description, limits))];
        byte[] output;
        if (request.Reply == ReplyForm.Frames)
        {
            output = JsonSerializer.SerializeToUtf8Bytes(jobs, JobDescriptionJson.Default.IReadOnlyListJobDescription);
        }
        else
        {
            output = Encoding.UTF8.GetBytes(jobs.Length == 0 ? "there is no job that you may run\n" : JobText.List(jobs));
        }

        return await SendAsync(reply, output, null);
    }

    /// <summary>Answers <c>describe</c>.</summary>
    /// <exception cref="RefusedException">
    /// The job does not exist, or the caller may not know it. The message is the same in both cases.
    /// </exception>
    public static async ValueTask<EndRecord> DescribeAsync(
        JobCatalog catalog, LimitOptions limits, Func<string, bool> mayKnow, Request request, Reply reply)
    {
        if (!mayKnow(request.Job!))
            throw new RefusedException(ReplyCode.Denied, $"the policy does not allow you to run \"{request.Job}\" as any user");
        RegisteredJob job = catalog.Find(request.Job!)
            ?? throw new RefusedException(ReplyCode.UnknownJob, $"there is no job \"{request.Job}\"; pipeforkas list shows the jobs");
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(Effective(job.Description, limits), JobDescriptionJson.Default.JobDescription);
        return await SendAsync(reply, [.. json, (byte)'\n'], job.Description.Name);
    }

    /// <summary>Returns the job with its effective timeout. A job or its registration can only shorten the general timeout.</summary>
    private static JobDescription Effective(JobDescription job, LimitOptions limits) =>
        job with { Timeout = job.Timeout < limits.JobTimeout ? job.Timeout : limits.JobTimeout };

    private static async ValueTask<EndRecord> SendAsync(Reply reply, byte[] output, string? job)
    {
        await reply.WriteAsync(output);
        return new EndRecord { Code = ReplyCode.Ok, Job = job, Stdout = output.Length };
    }
}
