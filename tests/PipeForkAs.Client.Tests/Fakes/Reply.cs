using System.Text;
using System.Text.Json;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Tests.Fakes;

/// <summary>Frames as the daemon sends them.</summary>
internal static class Reply
{
    public static byte[] Out(byte[] payload) => Frame(FrameType.Stdout, payload);

    public static byte[] Out(string payload) => Out(Encoding.UTF8.GetBytes(payload));

    public static byte[] Err(string payload) => Frame(FrameType.Stderr, Encoding.UTF8.GetBytes(payload));

    public static byte[] End(EndRecord end) => Frame(FrameType.End, end.ToJson());

    public static byte[] End(ReplyCode code, int? exit = null, int? signal = null, string? message = null, JobError? error = null) =>
        End(new EndRecord { Code = code, Exit = exit, Signal = signal, Message = message, Error = error });

    public static byte[] Exit(int code) =>
        End(code == 0 ? ReplyCode.Ok : ReplyCode.Failed, exit: code, message: code == 0 ? null : "exit code " + code);

    public static byte[] Frame(FrameType type, byte[] payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, payload.Length).Encode(frame);
        payload.CopyTo(frame, FrameHeader.Size);
        return frame;
    }

    public static byte[] Json(JobDescription job) => JsonSerializer.SerializeToUtf8Bytes(job, JobDescriptionJson.Default.JobDescription);

    public static byte[] Json(IReadOnlyList<JobDescription> jobs) =>
        JsonSerializer.SerializeToUtf8Bytes(jobs, JobDescriptionJson.Default.IReadOnlyListJobDescription);

    /// <summary>Bytes that differ by position and are the same in each run.</summary>
    public static byte[] Noise(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
