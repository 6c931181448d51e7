"""Annotations in the formats that people train on, as pure functions: COCO, YOLO and Pascal VOC."""
