"""What the library refuses, in Simplified Chinese: the English message, with ``{}`` for what it names → its words.

Here is what a visitor of the page can meet; what only programs and the command line meet stays in English.
"""

from __future__ import annotations

WORDS: dict[str, str] = {
    # images
    "The image is empty (zero bytes): save or upload it again.": "图像是空的（零字节）：请重新保存或上传。",
    "There is no image file {}: check the path.": "没有图像文件 {0}：请检查路径。",
    "The image has too many pixels ({}): make it smaller.": "图像像素过多（{0}）：请缩小。",
    "The image has {} x {} = {} pixels, over the limit of {}: make it smaller, or raise max_pixels.": "图像为"
    " {0} x {1} = {2} 像素，超过上限 {3}：请缩小，或提高 max_pixels。",
    "The image is {} x {}, thinner than 1 to {}: crop it.": "图像为 {0} x {1}，长宽比超过 {2}：请裁剪。",
    "The image has no pixels: save or upload it again.": "图像没有像素：请重新保存或上传。",
    "The image is truncated or damaged: save or upload it again.": "图像不完整或已损坏：请重新保存或上传。",
    "This is {}, an unsupported format: save it as JPEG or PNG.": "不支持这种格式（{0}）：请另存为 JPEG 或 PNG。",
    "This is not an image that RAVEN can read: use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.": "这不是 RAVEN "
    "能读取的图像：请使用 JPEG、PNG、WebP、GIF、BMP、TIFF 或 AVIF。",
    "There is no image to look at: choose one first.": "没有可看的图像：请先选择一张。",
    # questions and options
    "The question is empty: write one, or leave it out for a caption.": "问题是空的：请填写，或不提问而描述图像。",
    "The question has {} characters: shorten it to {}.": "问题有 {0} 个字符：请缩短到 {1} 个以内。",
    "No adapter {} in this profile: choose one of {}.": "此配置中没有适配器 {0}：请从 {1} 中选择。",
    "Oracle neighbours are those that say what is right: give references.": "“按正确答案挑选”近邻需要已知的正确答案："
    "请填写。",
    "The models could not be loaded ({}): see the server's log.": "模型未能加载（{0}）：请查看服务器日志。",
    # judging
    "There is no trial {} to judge: it may have been deleted; ask again.": "没有可评判的回答 {0}："
    "可能已被删除，请重新运行。",
    "There is no judgment {}: it may have been deleted.": "没有评判 {0}：可能已被删除。",
    "There is no judgment {} to replay: it may have been deleted.": "没有可重放的评判 {0}：可能已被删除。",
    "There is no trial {}: it may have been deleted.": "没有回答 {0}：可能已被删除。",
    "This answer was stored without its settings or image: it cannot be replayed.": "这个回答存储时没有设置或图像，"
    "无法重放。",
    "A correction or note may have {} characters: shorten it.": "更正或备注最多 {0} 个字符：请缩短。",
    "The judgment database refused ({}): nothing was changed.": "评判数据库拒绝了操作（{0}）：没有任何更改。",
    # queues
    "A queue needs a name of 1 to 200 characters.": "队列需要 1 至 200 个字符的名称。",
    "There is a queue named {} already: choose another name.": "已有名为 {0} 的队列：请换一个名称。",
    "There is no queue {}: it may have been deleted.": "没有队列 {0}：可能已被删除。",
    "There is no item {}: its queue may have been deleted.": "没有条目 {0}：其队列可能已被删除。",
    "There is nothing to judge in it: a queue needs at least one item.": "其中没有可评判的内容：队列至少需要一个条目。",
    "Nothing was said: give a preference or a verdict, or skip the item.": "还没有评判：请选择更好的回答或给出评判，"
    "或跳过该条目。",
    "The samples {} cannot be read ({}): give a run's samples.jsonl.": "样本 {0} 无法读取（{1}）：请提供一次评测的 "
    "samples.jsonl。",
    "Line {} of {} is not valid JSON: mend it.": "{1} 第 {0} 行不是有效的 JSON：请修正。",
    # filters
    "{} is no date: write it as 2026-11-23.": "{0} 不是日期：请写成 2026-11-23 的形式。",
    "{} is no similarity: use a number from -1 to 1.": "{0} 不是相似度：请使用 -1 至 1 的数。",
    # data sets
    "{} is not valid JSON ({}): mend or replace it.": "{0} 不是有效的 JSON（{1}）：请修正或替换。",
    "{} cannot be read ({}): check the file.": "{0} 无法读取（{1}）：请检查文件。",
    "{} holds no rows: give a file with at least one.": "{0} 中没有任何行：请提供至少有一行的文件。",
    "Line {} of {} is not valid JSON ({}): mend it.": "{1} 第 {0} 行不是有效的 JSON（{2}）：请修正。",
    "Line {} of {} is not a JSON object: write one object a line.": "{1} 第 {0} 行不是 JSON 对象：请每行写一个对象。",
    "{} has no list of objects {}: it is damaged, or of another format.": "{0} 中没有对象列表 {1}："
    "文件已损坏，或是其他格式。",
    "{} in {} has no {} ({}): add it.": "{1} 中的 {0} 缺少 {2}（{3}）：请补上。",
    "The picture {} lies outside the data's folder: name files inside it.": "图像 {0} 在数据文件夹之外："
    "请只引用其中的文件。",
    "A row of {} names no picture ({}): fill in one of {}.": "{0} 中有一行没有图像（{1}）：请填写 {2} 之一。",
    "The folder {} holds no data set that is known. Formats: {}.": "文件夹 {0} 中没有可识别的数据集。格式：{1}。",
    "The folder {} holds several data sets ({}): give one of these files.": "文件夹 {0} 中有多个数据集（{1}）："
    "请只提供其中一个。",
    "{} is in no format that is known. Formats: {}.": "{0} 的格式无法识别。格式：{1}。",
    "{} is JSON in no format that is known. Formats: {}.": "{0} 是格式无法识别的 JSON。格式：{1}。",
    "{} ({}) has no examples{}: check it.": "{0}（{1}）中没有样本{2}：请检查。",
    "Unknown cell {}: use one or more of {}.": "未知条件 {0}：请从 {1} 中选择一个或多个。",
}
"""English message → words; ``{0}`` is the first of what the message names."""
